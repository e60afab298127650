"""A front behind another front: our own pages may act through proxies as people set them up, foreign ones never."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from caller import LOGIN
from guides import GUIDES, HIDES_THE_CALLER, HIDES_THE_HOST, LOOPBACK, Place

from certificates import Authority
from jobindex.demo.installed import NotInstalled
from jobindex.demo.nginx import NO_LIMIT, build_nginx
from jobindex.demo.ports import free_port
from jobindex.settings import Settings
from jobindex.web.routes import Call, Route, Routes
from jobindex.web.server import handler, listening
from jobindex.web.site import Site
from jobindex.wiring import doors

HOST = "pacs.example.org"
BROWSER = "127.0.0.9"
CANCEL = "/jobs/3f8a1c9e-6f3b-4a55-9c0e-0d3b6a2f7c11/cancel"


async def say_who(call: Call) -> web.StreamResponse:
    return web.Response(text=call.caller.address)


@asynccontextmanager
async def fronted(guide: str, scheme: str, folder: Path, origins: Sequence[str] = ()) -> AsyncIterator[str]:
    """The address of the outermost of: a front as the guide has it, our nginx, what clients reach of a replica."""
    settings = Settings(proxies=[f"{LOOPBACK}/32"], origins=origins, secret="x" * 16)
    port, clients = free_port(), Routes([Route(CANCEL, {"POST": say_who})])
    async with AsyncExitStack() as stack:
        believes = doors.proxies(settings).believes
        recognition = doors.recognition(settings, doors.UntrustedPeers())
        answer = handler(clients, recognition, lambda within: Site(within, settings.origins, believes))
        replica = await stack.enter_async_context(listening(answer, LOOPBACK, 0))
        nginx = build_nginx(folder, free_port(), [replica], [replica], NO_LIMIT, front=f"{LOOPBACK}/32")
        stack.push_async_callback(nginx.process.stop)
        await nginx.process.start()
        certificate = Authority(folder).gives("front", HOST, LOOPBACK) if scheme == "https" else None
        front = Place(folder, port, nginx.url.removeprefix("http://"), certificate)
        try:
            await stack.enter_async_context(GUIDES[guide].running(front))
        except NotInstalled as missing:
            if "CI" in os.environ:
                raise
            pytest.skip(str(missing))
        yield f"{scheme}://{LOOPBACK}:{port}"


async def sent(url: str, origin: str, site: str) -> tuple[int, str]:
    """What a browser sends for a page of this origin, with the login that it keeps; it tells the site over TLS only."""
    headers = {**LOGIN, "Host": HOST, "Origin": origin, **({"Sec-Fetch-Site": site} if url[:5] == "https" else {})}
    connector = aiohttp.TCPConnector(local_addr=(BROWSER, 0), ssl=False)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"{url}/orthanc{CANCEL}", headers=headers) as response,
    ):
        return response.status, await response.text()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("guide", GUIDES)
async def test_in_use_our_own_pages_may_act_and_foreign_ones_not(guide: str, scheme: str, tmp_path: Path) -> None:
    own = f"{scheme}://{HOST}"
    async with fronted(guide, scheme, tmp_path) as url:
        for foreign in ("evil.example", f"evil.{HOST}", f"{HOST}:81"):
            site = "same-site" if HOST in foreign else "cross-site"
            status, body = await sent(url, f"{scheme}://{foreign}", site)
            assert (status, "JOBINDEX_ORIGINS" in body) == (403, True)
        status, body = await sent(url, own, "same-origin")
        if scheme == "https" or guide not in HIDES_THE_HOST:
            assert (status, body) == (200, LOOPBACK if guide in HIDES_THE_CALLER else BROWSER)
        else:
            assert (status, f"""JOBINDEX_ORIGINS='["{own}"]'""".replace('"', '\\"') in body) == (403, True)


@pytest.mark.parametrize("guide", sorted(HIDES_THE_HOST))
async def test_the_value_that_a_refusal_names_is_enough(guide: str, tmp_path: Path) -> None:
    async with fronted(guide, "http", tmp_path, origins=[f"http://{HOST}"]) as url:
        assert (await sent(url, f"http://{HOST}", ""))[0] == 200
        assert (await sent(url, "http://evil.example", ""))[0] == 403
