"""A stretch of the network between two parts that can go bad: it passes bytes on until it is told otherwise.

Law: what it holds up is not lost but late, as with TCP over a line that comes back.
"""

import asyncio
import re
import socket
import struct
from collections import Counter
from contextlib import suppress

from .ports import LOOPBACK

CHUNK = 64 * 1024  # bytes
BACKLOG = 128  # connections
HEAD = re.compile(rb"^([A-Z]+ \S+) HTTP/1\.[01]\r$", re.MULTILINE)
AT_ONCE = struct.pack("ii", 1, 0)  # a closed connection is reset, and says no goodbye

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FaultProxy:
    """Listens on `port` for what is meant for `target`, a port too; `asked` counts the HTTP requests that passed.

    `latency` is in seconds and each way.  `cut_after` so many bytes of answers a connection is reset.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.latency = 0.0
        self.cut_after: int | None = None
        self.asked: Counter[str] = Counter()
        self._place = _bound(0)  # never listens, and keeps the port for us while nobody does
        self._server: asyncio.Server | None = None
        self._deaf: list[socket.socket] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._joined: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def port(self) -> int:
        return int(self._place.getsockname()[1])

    async def heal(self) -> None:
        """Pass everything on at once, also what was held up."""
        self.latency, self.cut_after = 0.0, None
        self._flowing.set()
        self._hear()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, sock=_bound(self.port), backlog=BACKLOG)

    def stall(self) -> None:
        """Accept, and hold everything up."""
        self._flowing.clear()

    def drop(self) -> None:
        """Hold everything up, and let no connection come about: whoever calls hears nothing."""
        self.stall()
        self._close()
        if not self._deaf:
            self._deaf = _deaf(self.port)

    def refuse(self) -> None:
        """Reset every connection and refuse new ones, as where no process listens."""
        self._close()
        self._hear()
        self.reset()

    def reset(self) -> None:
        """Reset every connection; new ones may come."""
        for writer in self._writers:
            _reset(writer)

    async def close(self) -> None:
        """Leave nothing behind."""
        self.refuse()
        self._place.close()
        self._flowing.set()
        await asyncio.gather(*self._joined, return_exceptions=True)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _hear(self) -> None:
        while self._deaf:
            self._deaf.pop().close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer), name="stretch of network")
        self._joined.add(task)
        task.add_done_callback(self._joined.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect on, and pass on until either side ends."""
        self._writers.add(writer)
        try:
            onward = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            _reset(writer)
        else:
            self._writers.add(onward[1])
            await self._both_ways((reader, writer), onward)
            self._writers.discard(onward[1])
        self._writers.discard(writer)

    async def _both_ways(self, caller: Pair, server: Pair) -> None:
        ways = [self._ask(caller[0], server[1]), self._answer(server[0], caller[1])]
        tasks = [asyncio.create_task(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for writer in (caller[1], server[1]):
            with suppress(RuntimeError):
                writer.close()

    async def _ask(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await self._next(source):
            self.asked.update(line.decode() for line in HEAD.findall(data))
            sink.write(data)

    async def _answer(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await self._next(source):
            if self.cut_after is not None and passed + len(data) > self.cut_after:
                sink.write(data[: self.cut_after - passed])
                return
            passed += len(data)
            sink.write(data)
            with suppress(OSError):
                await sink.drain()

    async def _next(self, source: asyncio.StreamReader) -> bytes:
        """What comes next, when the line lets it; nothing at the end."""
        try:
            data = await source.read(CHUNK)
        except OSError:
            return b""
        await self._flowing.wait()
        if self.latency:
            await asyncio.sleep(self.latency)
        return data


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    return bound


def _deaf(port: int) -> list[socket.socket]:
    """A listener whose queue is full, for good: the kernel drops what else comes."""
    listener = _bound(port)
    listener.listen(0)
    callers = [socket.socket() for _ in range(2)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex((LOOPBACK, port))
    return [listener, *callers]


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
