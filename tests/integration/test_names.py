"""The containers' nginx looks names up while it runs: whoever is missing keeps nothing from starting, and whoever comes
back at another address is found."""

import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from caller import eventually
from front import Upstream
from name_server import NameServer, naming

from jobindex.demo.checkout import ROOT
from jobindex.demo.cluster import temporary_folder
from jobindex.demo.installed import NotInstalled, nginx_program
from jobindex.demo.nginx import Nginx, build_nginx
from jobindex.demo.ports import free_port

NAMES = (ROOT / "deploy" / "docker" / "nginx" / "upstreams.conf").read_text()
RESOLVES = (1, 27, 3)
"""The first nginx that looks names of an upstream up while it runs; the image of compose.yaml is newer."""


def version() -> tuple[int, ...]:
    told = subprocess.run([nginx_program(), "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(part) for part in re.findall(r"\d+", told)[:3])


@pytest.fixture(autouse=True)
def _new_nginx() -> None:
    try:
        found = version()
    except NotInstalled as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))
    if found < RESOLVES:
        pytest.skip(f"this nginx is {'.'.join(map(str, found))}")


@asynccontextmanager
async def named(names: NameServer, orthanc_port: int, replica_port: int) -> AsyncIterator[Nginx]:
    """nginx with the containers' upstreams, but for the ports and the name server's address."""
    with temporary_folder() as folder:
        nginx = build_nginx(folder, free_port(), [1], [1])
        included = folder / "nginx" / "deploy" / "nginx" / "upstreams.conf"
        ours = NAMES.replace("127.0.0.11", f"127.0.0.1:{names.port}")
        ours = ours.replace(":8042", f":{orthanc_port}").replace(":8000", f":{replica_port}")
        temporary = "".join(line for line in included.read_text().splitlines(True) if "_temp_path" in line)
        included.write_text(ours + temporary)
        await nginx.process.start()
        try:
            yield nginx
        finally:
            await nginx.process.stop()


@asynccontextmanager
async def serving(address: str, port: int) -> AsyncIterator[Upstream]:
    async def say_where(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=address)

    upstream = Upstream(say_where)
    async with RawTestServer(upstream.serve, host=address, port=port):
        yield upstream


async def answered(url: str) -> str:
    """Who answered; a status that is not 200 instead."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text() if response.status == 200 else str(response.status)


async def answers(url: str, whom: str) -> None:
    async def does() -> bool:
        return await answered(url) == whom

    await eventually(does, within=20)


@pytest.mark.parametrize(("path", "name"), [("/orthanc/system", "orthanc-a"), ("/orthanc/jobs", "replica")])
async def test_in_use_a_name_that_nobody_has_keeps_nginx_from_nothing(path: str, name: str) -> None:
    orthanc_port, replica_port = free_port(), free_port()
    port = orthanc_port if name != "replica" else replica_port
    async with (
        naming({name: ["127.0.1.1"]}) as names,
        serving("127.0.1.1", port),
        named(names, orthanc_port, replica_port) as nginx,
    ):
        await answers(nginx.url + path, "127.0.1.1")


@pytest.mark.parametrize(("path", "name"), [("/orthanc/system", "orthanc-b"), ("/orthanc/jobs", "replica")])
async def test_in_use_a_container_that_comes_back_at_another_address_is_found(path: str, name: str) -> None:
    orthanc_port, replica_port = free_port(), free_port()
    port = orthanc_port if name != "replica" else replica_port
    async with naming({name: ["127.0.1.1"]}) as names, named(names, orthanc_port, replica_port) as nginx:
        async with serving("127.0.1.1", port):
            await answers(nginx.url + path, "127.0.1.1")
        async with serving("127.0.1.2", port):
            names.addresses[name] = ["127.0.1.2"]
            await answers(nginx.url + path, "127.0.1.2")
            async with aiohttp.ClientSession() as session, session.post(nginx.url + path) as response:
                assert (response.status, await response.text()) == (200, "127.0.1.2")
