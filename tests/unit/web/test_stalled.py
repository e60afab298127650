"""A caller who doesn't read is cut off, and holds neither memory nor an Orthanc's downloads until then."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import orjson
import pytest

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica

PATH = f"/jobs/{job_id(1)}/archive"
ENDLESS = {"Content-Length": str(1 << 40)}
WITHIN_S = 1.0
"""Instead of 30."""
DOWNLOADS, LISTS = 64, 60
LIST_BYTES = 9 * 900_000


@pytest.fixture(params=["poured", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways from the owner's socket to the caller's."""
    if request.param == "read":
        monkeypatch.delattr(os, "splice")
    return str(request.param)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.web.connection.WRITE_WITHIN_S", WITHIN_S, raising=False)
    monkeypatch.setattr("jobindex.orthanc.output.TAKES_WITHIN_S", WITHIN_S, raising=False)


@asynccontextmanager
async def stalled(replica: Replica, path: str, *more: str) -> AsyncIterator[socket.socket]:
    """A caller who asks, and reads nothing."""
    host, port = replica.public.removeprefix("http://").split(":")
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(caller, (host, int(port)))
        lines = [f"GET {path} HTTP/1.1", "Host: x", f"Authorization: {AUTHORIZATION}", *more]
        await loop.sock_sendall(caller, "\r\n".join([*lines, "", ""]).encode())
        yield caller


async def is_cut(caller: socket.socket, whole: int) -> bool:
    """Whether the connection ends before the answer does."""
    loop, taken = asyncio.get_running_loop(), 0
    with suppress(ConnectionError):
        async with asyncio.timeout(20.0):
            while taken < whole and (piece := await loop.sock_recv(caller, 1 << 20)):
                taken += len(piece)
    return taken < whole


@pytest.mark.usefixtures("way", "impatient")
@pytest.mark.parametrize("headers", [ENDLESS, {}], ids=["of known length", "in chunks"])
async def test_bounds_stalled_downloads_leave_room_for_others(
    replica: Replica, orthanc: ScriptedOrthanc, headers: dict[str, str]
) -> None:
    other = f"/jobs/{job_id(2)}/archive"
    await replica.report("a", job(1, "Success"), job(2, "Success"))
    orthanc.tell(PATH, b"zip", headers=headers, endless=True)
    orthanc.tell(other, b"whole")

    async def goes() -> bool:
        return (await replica.get(other)).status == 200

    async def are_asked() -> bool:
        return orthanc.count("GET", PATH) >= DOWNLOADS

    async with AsyncExitStack() as callers:
        for _ in range(DOWNLOADS):
            await callers.enter_async_context(stalled(replica, PATH))
        await until(are_asked)
        await until(goes)


@pytest.mark.usefixtures("way", "impatient")
async def test_a_slow_reader_is_not_cut_off(replica: Replica, orthanc: ScriptedOrthanc) -> None:
    await replica.report("a", job(1, "Success"))
    orthanc.tell(PATH, b"zip", headers=ENDLESS, endless=True)
    async with stalled(replica, PATH) as caller:
        loop = asyncio.get_running_loop()
        ends = loop.time() + 4 * WITHIN_S
        while loop.time() < ends:
            assert await loop.sock_recv(caller, 1 << 18)
            await asyncio.sleep(WITHIN_S / 10)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("polled", [False, True], ids=["asked once", "polled"])
async def test_bounds_stalled_lists_hold_little_and_are_cut_off(replica: Replica, polled: bool) -> None:
    large = [job(number, Content={"Resources": "x" * 900_000}) for number in range(9)]
    for each in large:
        assert (await replica.report("a", each)).status == 200
    assert len(orjson.loads((await replica.get("/jobs?expand")).body)) == len(large)
    for _ in range(2 * polled):  # who has asked twice in the same bytes is answered in a shorter way
        async with stalled(replica, "/jobs?expand", "Connection: keep-alive") as caller:
            await _until_bytes(caller, LIST_BYTES)
    before = _resident()
    async with AsyncExitStack() as callers:
        more = "Connection: keep-alive"
        asked = [await callers.enter_async_context(stalled(replica, "/jobs?expand", more)) for _ in range(LISTS)]
        assert max([_resident() async for _ in _looks(2.5 * WITHIN_S)]) - before < 200 << 20
        assert all(await asyncio.gather(*(is_cut(each, LIST_BYTES) for each in asked)))


async def _until_bytes(caller: socket.socket, count: int) -> None:
    loop, taken = asyncio.get_running_loop(), 0
    while taken < count:
        taken += len(await loop.sock_recv(caller, 1 << 20))


async def _looks(within: float) -> AsyncIterator[None]:
    ends = asyncio.get_running_loop().time() + within
    while asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(within / 20)
        yield


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
