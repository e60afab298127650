"""nginx with the project's own configuration, before Orthancs and replicas that do as they are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from yarl import URL

from jobindex.demo.cluster import temporary_folder
from jobindex.demo.nginx import NO_LIMIT, build_nginx
from jobindex.demo.ports import free_port

Play = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="yes")


async def hang_up(request: web.BaseRequest) -> web.StreamResponse:
    """The request was taken, and nobody learns what came of it."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


@dataclass
class Upstream:
    """`sent` has the method and the target of each request that came, as it came."""

    play: Play = answer
    sent: list[str] = field(default_factory=list)
    received: int = 0  # bytes of bodies

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.sent.append(f"{request.method} {request.raw_path}")
        async for part in request.content.iter_any():
            self.received += len(part)
        return await self.play(request)


class Group(list[Upstream]):
    """The servers of one upstream of nginx."""

    @property
    def sent(self) -> list[str]:
        return [request for upstream in self for request in upstream.sent]

    def play(self, play: Play) -> None:
        for upstream in self:
            upstream.play = play


@dataclass
class Front:
    orthancs: Group
    replicas: Group
    url: str
    session: aiohttp.ClientSession
    log: Path
    """nginx's access log."""

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, data: BinaryIO | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The target is sent as it is, without any normalisation."""
        url = URL(self.url + target, encoded=True)
        async with self.session.request(method, url, data=data, allow_redirects=False) as response:
            yield response

    async def status(self, method: str, target: str, data: BinaryIO | None = None) -> int:
        async with self.ask(method, target, data) as response:
            await response.read()
            return response.status


@asynccontextmanager
async def fronted(alive: int = 2, rate: str = NO_LIMIT) -> AsyncIterator[Front]:
    """Two Orthancs and two replicas, of which so many each are alive; the others refuse connections.

    `rate` is how often one address may ask for jobs, in nginx's form (100r/s).
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        orthancs, orthanc_ports = await _serve(alive, stack)
        replicas, replica_ports = await _serve(alive, stack)
        nginx = build_nginx(folder, free_port(), orthanc_ports, replica_ports, rate)
        stack.push_async_callback(nginx.process.stop)
        await nginx.process.start()
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        yield Front(orthancs, replicas, nginx.url, session, folder / "nginx" / "access.log")


async def _serve(alive: int, stack: AsyncExitStack) -> tuple[Group, list[int]]:
    group = Group(Upstream() for _ in range(alive))
    servers = [await stack.enter_async_context(RawTestServer(upstream.serve)) for upstream in group]
    return group, [server.port or 0 for server in servers] + [free_port() for _ in range(2 - alive)]
