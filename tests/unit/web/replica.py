"""A whole replica in this process, and those who talk to it: clients, and nodes that sign what they report."""

import io
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from jobindex.app import running
from jobindex.auth.signature import NONCE, SIGNATURE, TIME, signature
from jobindex.service.timing import Timing
from jobindex.settings import LOOPBACK, Settings

from ..scripted_orthanc import LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import told

SECRET = "the secret of this cluster"
PATIENT = Timing(beat=60.0, settling=0.0, patience=0.0)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Replica:
    """One replica, by its two addresses."""

    def __init__(self, public: int, internal: int, session: aiohttp.ClientSession) -> None:
        self.public = f"http://127.0.0.1:{public}"
        self.internal = f"http://127.0.0.1:{internal}"
        self.session = session

    async def get(self, path: str, headers: Mapping[str, str] = LOGIN) -> Reply:
        return await self.ask("GET", path, headers)

    async def ask(self, method: str, path: str, headers: Mapping[str, str] = LOGIN) -> Reply:
        """A client's request, its path exactly so."""
        return await self._ask(method, self.public + path, headers)

    async def knows_whom_to_ask(self, nodes: int = 1) -> None:
        """Wait until it knows so many: a node that has just registered comes into the view a moment later."""

        async def knows() -> bool:
            answer = await self.get("/job-index/nodes")
            return answer.status == 200 and len(answer.json) >= nodes

        await until(knows)

    async def ask_inside(self, method: str, path: str, body: bytes = b"") -> Reply:
        """A request to the internal listener."""
        return await self._ask(method, self.internal + path, {}, body)

    async def report(self, node: str, *jobs: bytes, at: ScriptedOrthanc | None = None, **more: Any) -> Reply:
        """What a node reports, signed; `at` makes it register at that server's address."""
        if at is not None:
            more["Register"] = {"Name": "orthanc", "Url": at.url, "HttpPort": 8042, "Version": "1.12.7"}
        return await self.post_report(node, json.dumps(told(*jobs, **more)).encode())

    async def post_report(self, node: str, body: bytes, secret: str = SECRET, off: int = 0) -> Reply:
        return await self.post_signed(node, body, signed(node, body, secret, off))

    async def post_signed(self, node: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """A report with these headers, whatever they were made for."""
        told = {"Content-Type": "application/json", **headers}
        return await self._ask("POST", f"{self.internal}/nodes/{node}/report", told, body)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        target, data = URL(url, encoded=True), None if body is None else io.BytesIO(body)
        async with self.session.request(method, target, headers=headers, data=data, allow_redirects=False) as answer:
            return Reply(answer.status, answer.headers, await answer.read())


def signed(node: str, body: bytes, secret: str = SECRET, off: int = 0) -> dict[str, str]:
    """The headers with which a node signs a report, its clock `off` ms."""
    path, now, nonce = f"/nodes/{node}/report", str(round(time.time() * 1000) + off), secrets.token_hex(16)
    return {TIME: now, NONCE: nonce, SIGNATURE: signature(secret.encode(), "POST", path, now, nonce, body)}


def settings(redis_url: str, **more: Any) -> Settings:
    """Any free ports of the loopback, where the Orthancs are too, and a secret."""
    usual = {
        "public_host": "127.0.0.1",
        "public_port": 0,
        "internal_host": "127.0.0.1",
        "internal_port": 0,
        "node_networks": LOOPBACK,
        "proxies": LOOPBACK,
        "secret": SecretStr(SECRET),
    }
    return Settings(redis_url=redis_url, **{**usual, **more})


@asynccontextmanager
async def replica_on(redis_url: str, timing: Timing = PATIENT, **more: Any) -> AsyncIterator[Replica]:
    """A replica with its public listener open; `more` are further settings."""
    async with running(settings(redis_url, **more), timing) as ports, client() as session:
        yield Replica(*ports, session)


def client() -> aiohttp.ClientSession:
    """One that sends no header of its own accord and gives up before the test does."""
    silent = ("Accept", "Accept-Encoding", "User-Agent")
    return aiohttp.ClientSession(skip_auto_headers=silent, timeout=aiohttp.ClientTimeout(total=10))
