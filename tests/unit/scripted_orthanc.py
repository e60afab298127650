"""An HTTP server in the place of an Orthanc, which answers as it is told and remembers all that it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

AUTHORIZATION = aiohttp.encode_basic_auth("demo", "demo")
LOGIN = {"Authorization": AUTHORIZATION}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Orthanc Secure Area"'}
SYSTEM = b'{"ApiVersion": 17, "Name": "scripted", "Version": "1.12.7"}'


@dataclass(frozen=True)
class Asked:
    """A request as it came: the path is neither decoded nor shortened; the port tells connections apart."""

    method: str
    path: str
    headers: Mapping[str, str]
    port: int


@dataclass(frozen=True)
class Told:
    """How to answer: with a body broken off after `cut` bytes, or without end, or when `until` happens.

    Where it `halts`, what was cut off comes when that happens.  `hangs` never answers, `drops` closes the connection
    instead, and `after` so many seconds it answers at all.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    endless: bool = False
    halts: asyncio.Event | None = None
    until: asyncio.Event | None = None
    hangs: bool = False
    drops: bool = False
    after: float = 0.0


class ScriptedOrthanc:
    """Knows no job until it is told one; with `login` it wants demo:demo, until it is told others."""

    def __init__(self, login: bool = False) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self.port = 0
        self.left = asyncio.Event()
        """Set when somebody hung up on an endless answer."""
        self.takes = {AUTHORIZATION}
        """The credentials of those whom it lets in, where it wants any."""
        self._login = login
        self._answers: dict[tuple[str, str], list[Told]] = {}
        self.tell("/jobs", body=b"[]")
        self.tell("/jobs?expand", body=b"[]")
        self.tell("/system", body=SYSTEM)

    def tell(self, path: str, body: bytes = b"", *, method: str = "GET", **more: object) -> None:
        """From now on this is the answer there."""
        self._answers[method, path] = [Told(body=body, **more)]  # type: ignore[arg-type]  # Told checks it

    def tell_in_turn(self, path: str, answers: Iterable[Told], *, method: str = "GET") -> None:
        """One answer after the other; the last one stays."""
        self._answers[method, path] = list(answers)

    def tell_job(self, job_id: str, text: bytes) -> None:
        self.tell(f"/jobs/{job_id}", text)

    def forget(self, path: str, *, method: str = "GET") -> None:
        self._answers.pop((method, path), None)

    def count(self, method: str, path: str) -> int:
        return sum((each.method, each.path) == (method, path) for each in self.asked)

    def paths(self) -> set[str]:
        return {each.path for each in self.asked}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        port = _transport(request).get_extra_info("peername")[1]
        self.asked.append(Asked(request.method, request.raw_path, request.headers, port))
        if self._login and request.headers.get("Authorization") not in self.takes:
            return web.Response(status=401, headers=CHALLENGE)
        script = self._answers.get((request.method, request.raw_path), [])
        told = script.pop(0) if len(script) > 1 else (script[0] if script else _unknown(request))
        if told.hangs:
            await asyncio.Event().wait()
        if told.after:
            await asyncio.sleep(told.after)
        if told.until:
            await told.until.wait()
        if told.drops:
            _transport(request).abort()
            return web.Response()
        return await self._send(request, told)

    async def _send(self, request: web.BaseRequest, told: Told) -> web.StreamResponse:
        if told.cut is None and not told.endless:
            return web.Response(status=told.status, body=told.body, headers=told.headers)
        response = web.StreamResponse(status=told.status, headers=told.headers)
        await response.prepare(request)
        await response.write(told.body[: told.cut])
        if told.endless:
            await self._send_without_end(response)
        if told.halts:
            await told.halts.wait()
            await response.write(told.body[told.cut :])
            return response
        _transport(request).abort()
        return response

    async def _send_without_end(self, response: web.StreamResponse) -> None:
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            self.left.set()


def _transport(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionError("nobody is there any more")
    return transport


def _unknown(request: web.BaseRequest) -> Told:
    """Orthanc's answers about what it does not know: 400 to an action, else 404."""
    return Told(status=400 if request.method == "POST" else 404)


@asynccontextmanager
async def scripted(
    login: bool = False, port: int = 0, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedOrthanc]:
    """One that listens until left."""
    orthanc = ScriptedOrthanc(login)
    server = web.Server(orthanc.answer, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        orthanc.port = runner.addresses[0][1]
        orthanc.url = f"{'https' if tls else 'http'}://{host}:{orthanc.port}"
        yield orthanc
    finally:
        await runner.cleanup()
