"""What the demo asks of an Orthanc, as any client would."""

from collections.abc import Iterable
from typing import Any

import aiohttp

from .orthanc import Node

PATIENCE = aiohttp.ClientTimeout(total=30)  # seconds


class Client:
    """Errors of the network and refusals are aiohttp.ClientError."""

    def __init__(self, node: Node, session: aiohttp.ClientSession) -> None:
        self.node = node
        self._session = session

    async def upload(self, files: Iterable[bytes]) -> str:
        """Store the files of one study; answers its id."""
        answer: dict[str, Any] = {}
        for file in files:
            answer = await self._ask("POST", "/instances", data=file)
        return str(answer["ParentStudy"])

    async def submit(self, path: str, **order: object) -> str:
        """Order an asynchronous job; answers its id."""
        answer = await self._ask("POST", path, json={"Asynchronous": True, **order})
        return str(answer["ID"])

    async def job(self, job_id: str) -> dict[str, Any]:
        return dict(await self._ask("GET", f"/jobs/{job_id}"))

    async def delete_study(self, study: str) -> None:
        await self._ask("DELETE", f"/studies/{study}")

    async def _ask(self, method: str, path: str, **body: Any) -> Any:
        async with self._session.request(
            method, self.node.url + path, headers=self.node.headers, timeout=PATIENCE, raise_for_status=True, **body
        ) as response:
            return await response.json(content_type=None)
