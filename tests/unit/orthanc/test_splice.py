"""Bytes pass from socket to socket as they are; whichever end fails, it is seen, and every descriptor comes back."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from jobindex.orthanc import splice
from jobindex.orthanc.splice import PIPE, THREADS, Splicer, Transfer, opened_splicer

from ..waiting import until

LONG = 5.0
MUCH = 1 << 28
"""Bytes: more than all sockets and pipes of a line hold."""


@dataclass(frozen=True)
class Line:
    """Two connections: what is given goes into `source`, what is put into `target` is taken."""

    giver: socket.socket
    source: socket.socket
    target: socket.socket
    taker: socket.socket

    async def give(self, body: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.giver, body)

    async def take(self, count: int) -> bytes:
        """So many bytes, or fewer where they end before."""
        taken = bytearray()
        while len(taken) < count and (piece := await self._taken(count - len(taken))):
            taken += piece
        return bytes(taken)

    async def _taken(self, count: int) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.taker, count)

    async def move(self, splicer: Splicer, count: int, idle: float = LONG) -> None:
        await splicer.move(self.source.fileno(), self.target.fileno(), count, idle, LONG)


@contextmanager
def lined() -> Iterator[Line]:
    """Real connections on the loopback, which don't block."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as open_ones:

        def connection() -> tuple[socket.socket, socket.socket]:
            near = open_ones.enter_context(socket.create_connection(server.getsockname()))
            far = open_ones.enter_context(server.accept()[0])
            near.setblocking(False)
            far.setblocking(False)
            return near, far

        yield Line(*connection(), *connection())


@pytest.fixture
async def splicer() -> AsyncIterator[Splicer]:
    """Every descriptor is back when it has been closed."""
    before = descriptors()
    with opened_splicer() as splicer:
        assert splicer is not None
        yield splicer
    assert descriptors() == before


@pytest.fixture
def line(splicer: Splicer) -> Iterator[Line]:
    with lined() as line:
        yield line


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def shut(end: socket.socket) -> None:
    end.close()


def reset(end: socket.socket) -> None:
    """Close it so that the other side is told of a broken connection."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


@pytest.mark.parametrize("count", [1, 2, PIPE - 1, PIPE, PIPE + 1, 7 * PIPE + 13])
async def test_the_bytes_that_come_out_are_those_that_went_in_and_no_more(
    line: Line, splicer: Splicer, count: int
) -> None:
    body = os.urandom(count)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(line.give(body + b"not of this body"))
        tasks.create_task(line.move(splicer, count))
        taken = tasks.create_task(line.take(count))
    assert sha256(taken.result()).digest() == sha256(body).digest()
    assert await asyncio.get_running_loop().sock_recv(line.source, 100) == b"not of this body"


@pytest.mark.parametrize("given", [0, 1, 3_000_000])
@pytest.mark.parametrize("end", [shut, reset])
async def test_a_source_that_ends_or_breaks_too_early_is_told(
    line: Line, splicer: Splicer, given: int, end: Callable[[socket.socket], None]
) -> None:
    async def give() -> None:
        await line.give(bytes(given))
        await taken
        end(line.giver)

    async with asyncio.TaskGroup() as tasks:
        taken = tasks.create_task(line.take(given))
        tasks.create_task(give())
        with pytest.raises(EOFError):
            await line.move(splicer, given + 1)
    assert taken.result() == bytes(given)


async def test_a_source_that_stands_still_is_told(line: Line, splicer: Splicer) -> None:
    await line.give(b"x")
    with pytest.raises(EOFError):
        await line.move(splicer, 2, idle=0.05)
    assert await line.take(1) == b"x"


async def test_a_target_that_takes_its_time_holds_the_source_back(line: Line) -> None:
    """And is waited for, however long the source may stand still."""
    transfer = Transfer(line.source.fileno(), line.target.fileno(), 1 << 40)
    try:
        assert fill(line, transfer) < MUCH
        waiting = asyncio.create_task(transfer.ready(idle=0.0, takes_within=LONG))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        taking = asyncio.create_task(line.take(MUCH))
        await waiting
        taking.cancel()
        await asyncio.wait([taking])
    finally:
        transfer.close()


def fill(line: Line, transfer: Transfer) -> int:
    """Give until nothing moves any more; how much that was."""
    given, moved = 0, True
    while moved and given < MUCH:
        before = given, transfer.left
        with suppress(BlockingIOError):
            given += line.giver.send(bytes(PIPE))
        transfer.burst()
        moved = before != (given, transfer.left)
    return given


@pytest.mark.parametrize("end", [shut, reset])
async def test_a_target_that_has_left_is_an_error_of_its_own(
    line: Line, splicer: Splicer, end: Callable[[socket.socket], None]
) -> None:
    giving = asyncio.create_task(line.give(bytes(1 << 26)))
    moving = asyncio.create_task(line.move(splicer, 1 << 40))
    await line.take(PIPE)
    end(line.taker)
    with pytest.raises(ConnectionError):
        await moving
    giving.cancel()
    await asyncio.wait([giving])


async def test_who_gives_up_leaves_no_thread_at_work_and_both_sockets_open(line: Line, splicer: Splicer) -> None:
    before = descriptors()
    for given in (b"", b"x" * 100):
        moving = asyncio.create_task(line.move(splicer, 1 << 40))
        await line.give(given)
        await line.take(len(given))
        moving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await moving
        await until(lambda: descriptors() == before)
    assert await asyncio.get_running_loop().sock_recv(line.source, 0) == b""
    await asyncio.get_running_loop().sock_sendall(line.target, b"still open")
    assert await line.take(10) == b"still open"


async def test_those_that_wait_hold_up_nobody(line: Line, splicer: Splicer) -> None:
    """More ends that are silent, or take nothing, than there are threads."""
    with ExitStack() as others:
        slow = [others.enter_context(lined()) for _ in range(2 * THREADS + 2)]
        tasks = [asyncio.create_task(each.move(splicer, 1 << 40)) for each in slow]
        tasks += [asyncio.create_task(each.give(bytes(1 << 26))) for each in slow[::2]]
        for each in slow[::2]:
            await each.take(PIPE)
        body = os.urandom(3 * PIPE)
        async with asyncio.TaskGroup() as quick:
            quick.create_task(line.give(body))
            quick.create_task(line.move(splicer, len(body)))
            taken = quick.create_task(line.take(len(body)))
        assert taken.result() == body
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_there_is_room_for_as_many_as_get_a_large_pipe(
    line: Line, splicer: Splicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "MOST", 1)
    moving = asyncio.create_task(line.move(splicer, 2))
    await line.give(b"x")
    await line.take(1)
    assert not splicer.has_room
    await line.give(b"x")
    await moving
    assert splicer.has_room


def test_where_the_system_forbids_it_there_is_no_splicer(monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()

    def forbidden(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "splice", forbidden)
    with opened_splicer() as splicer:
        assert splicer is None
    assert descriptors() == before


def test_where_the_system_does_not_know_it_there_is_no_splicer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "splice")
    with opened_splicer() as splicer:
        assert splicer is None
