"""What stands in for nginx where that is not installed: as much of it as a demo needs."""

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from jobindex.orthanc.sessions import sent_once

from .nginx import Nginx
from .ports import LOOPBACK
from .probes import listens
from .process import Process

PREFIX = "/orthanc/"
OURS = re.compile(r"(jobs|job-index)(?![^/?])")
HOP_BY_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding")
CHUNK = 64 * 1024  # bytes
PATIENCE = aiohttp.ClientTimeout(total=None, connect=1.0)  # seconds
OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # aiohttp would add them


def build_small_proxy(folder: Path, port: int, orthancs: Sequence[int], replicas: Sequence[int]) -> Nginx:
    command = [sys.executable, "-m", "jobindex.demo.small_proxy", "--port", str(port)]
    command += ["--orthancs", *map(str, orthancs), "--replicas", *map(str, replicas)]

    async def ready() -> bool:
        return await listens(LOOPBACK, port)

    process = Process("small proxy", command, folder / "proxy.log", ready)
    return Nginx(f"http://{LOOPBACK}:{port}", process)


class SmallProxy:
    """Takes the servers in turn, and the next one only where no connection came about: nothing is sent twice."""

    def __init__(self, orthancs: list[int], replicas: list[int], session: aiohttp.ClientSession) -> None:
        self._orthancs = orthancs
        self._replicas = replicas
        self._session = session

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not request.raw_path.startswith(PREFIX):
            return web.Response(status=302, headers={"Location": PREFIX})
        target = request.raw_path.removeprefix(PREFIX)
        ports = self._replicas if OURS.match(target) else self._orthancs
        ports.append(ports.pop(0))
        for port in ports:
            try:
                answer = await self._ask(request, URL(f"http://{LOOPBACK}:{port}/{target}", encoded=True))
            except aiohttp.ClientConnectorError:
                continue
            except aiohttp.ClientError:
                return web.Response(status=504)
            async with answer:
                return await _pass_on(answer, request)
        return web.Response(status=503, headers={"Retry-After": "2"})

    async def _ask(self, request: web.BaseRequest, url: URL) -> aiohttp.ClientResponse:
        headers = _without_hops(request.headers)
        body = request.content if request.body_exists else None
        return await self._session.request(request.method, url, headers=headers, data=body, allow_redirects=False)


async def _pass_on(answer: aiohttp.ClientResponse, request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_without_hops(answer.headers))
    await response.prepare(request)
    async for chunk in answer.content.iter_chunked(CHUNK):
        await response.write(chunk)
    return response


def _without_hops(headers: Mapping[str, str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in HOP_BY_HOP:
        kept.popall(name, None)
    return kept


def open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=0),
        auto_decompress=False,
        middlewares=[sent_once],
        skip_auto_headers=OWN_HEADERS,
        timeout=PATIENCE,
    )


async def _serve(port: int, orthancs: list[int], replicas: list[int]) -> None:
    async with open_session() as session:
        runner = web.ServerRunner(web.Server(SmallProxy(orthancs, replicas, session).serve))
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, port, reuse_address=True).start()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--orthancs", type=int, nargs="+", required=True)
    parser.add_argument("--replicas", type=int, nargs="+", required=True)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.orthancs, arguments.replicas))


if __name__ == "__main__":
    main()
