"""A client as people write them: plain HTTP, one login, and patience with a deadline."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from jobindex.demo import dicom

LOGIN = {"Authorization": aiohttp.encode_basic_auth("demo", "demo")}
_patients = itertools.count()


class Caller:
    """Asks one address; every answer is read whole."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, bytes, "aiohttp.typedefs.LooseHeaders"]:
        async with self._session.request(method, self._url + path, **more) as response:
            return response.status, await response.read(), response.headers

    async def json(self, path: str, **more: Any) -> Any:
        """The JSON of an answer that must be 200."""
        async with self._session.get(self._url + path, **more) as response:
            assert response.status == 200, (path, response.status, await response.text())
            return await response.json()

    async def post(self, path: str, body: Any = None) -> Any:
        async with self._session.post(self._url + path, json=body) as response:
            assert response.status == 200, (path, response.status, await response.text())
            return await response.json()

    async def upload(self, instances: int = 1, size: int = 2_000) -> str:
        """A new study at this Orthanc; its id."""
        patient = f"test {next(_patients)} {id(self)}"
        for file in dicom.make_study(patient, instances, size):
            told = await self._uploaded(file)
        return str(told["ParentStudy"])

    async def _uploaded(self, file: bytes) -> Any:
        async with self._session.post(self._url + "/instances", data=file) as response:
            return await response.json()

    async def archive(self, study: str) -> str:
        """The id of a job that makes an archive."""
        return str((await self.post(f"/studies/{study}/archive", {"Asynchronous": True}))["ID"])

    async def anonymize(self, study: str, priority: int = 0) -> str:
        return str((await self.post(f"/studies/{study}/anonymize", {"Asynchronous": True, "Priority": priority}))["ID"])

    async def send(self, peer: str, study: str) -> str:
        return str((await self.post(f"/peers/{peer}/store", {"Resources": [study], "Asynchronous": True}))["ID"])


@asynccontextmanager
async def calling(url: str, headers: dict[str, str] | None = None) -> AsyncIterator[Caller]:
    told = {"Accept-Encoding": "identity", **(LOGIN if headers is None else headers)}
    async with aiohttp.ClientSession(headers=told) as session:
        yield Caller(session, url)


async def eventually(true: Callable[[], Awaitable[Any]], within: float = 60.0) -> Any:
    """Ask until the answer is true; the answer.  TimeoutError when it never is."""
    async with asyncio.timeout(within):
        while not (answer := await true()):
            await asyncio.sleep(0.05)
    return answer


async def finished(caller: Caller, job_id: str, within: float = 60.0) -> dict[str, Any]:
    """The job when it has ended, as a polling client sees it: every answer on the way must be 200."""

    async def ended() -> Any:
        job = await caller.json(f"/jobs/{job_id}")
        return job if job["State"] in ("Success", "Failure") else None

    found: dict[str, Any] = await eventually(ended, within)
    return found
