"""The stand-in for nginx: the same routes, and nothing sent twice."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from jobindex.demo.ports import free_port
from jobindex.demo.small_proxy import SmallProxy, open_session


@dataclass
class Upstream:
    name: str
    hangs_up: bool = False
    sent: list[str] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.sent.append(f"{request.method} {request.raw_path} {(await request.read()).decode()}".strip())
        if self.hangs_up and request.transport:
            request.transport.abort()
        return web.Response(text=self.name, headers={"X-Of": self.name})


@dataclass
class Proxied:
    orthanc: Upstream
    replica: Upstream
    client: aiohttp.ClientSession


@asynccontextmanager
async def proxied() -> AsyncIterator[Proxied]:
    """An Orthanc and a replica, and beside each of them one that is dead."""
    orthanc, replica = Upstream("orthanc"), Upstream("replica")
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(RawTestServer(part.serve)) for part in (orthanc, replica)]
        session = await stack.enter_async_context(open_session())
        ports = [[free_port(), server.port or 0] for server in servers]
        proxy = await stack.enter_async_context(RawTestServer(SmallProxy(*ports, session).serve))
        client = await stack.enter_async_context(aiohttp.ClientSession(proxy.make_url("/")))
        yield Proxied(orthanc, replica, client)


@pytest.mark.parametrize(
    ("asked", "of", "sent"),
    [
        ("/orthanc/jobs", "replica", "/jobs"),
        ("/orthanc/jobs?expand&status=Running", "replica", "/jobs?expand&status=Running"),
        ("/orthanc/jobs/x/archive", "replica", "/jobs/x/archive"),
        ("/orthanc/job-index/nodes", "replica", "/job-index/nodes"),
        ("/orthanc/jobsfoo", "orthanc", "/jobsfoo"),
        ("/orthanc/", "orthanc", "/"),
        ("/orthanc/studies/x?requestedTags=a%3Bb", "orthanc", "/studies/x?requestedTags=a%3Bb"),
    ],
)
async def test_jobs_come_from_the_replicas_and_all_else_from_the_orthancs(asked: str, of: str, sent: str) -> None:
    async with proxied() as part, part.client.get(asked) as response:
        assert (await response.text(), response.headers["X-Of"]) == (of, of)
        assert part.orthanc.sent + part.replica.sent == [f"GET {sent}"]


async def test_a_body_passes_by_a_dead_server() -> None:
    async with proxied() as part:
        for _ in range(2):
            async with part.client.post("/orthanc/instances", data=b"DICM") as response:
                assert response.status == 200
        assert part.orthanc.sent == ["POST /instances DICM"] * 2


async def test_what_was_taken_is_not_sent_again() -> None:
    async with proxied() as part:
        part.replica.hangs_up = True
        async with part.client.delete("/orthanc/jobs/x") as response:
            assert response.status == 504
        assert part.replica.sent == ["DELETE /jobs/x"]
