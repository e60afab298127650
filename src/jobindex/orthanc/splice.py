"""From one socket to another without a copy: Linux moves the pages through a pipe (splice(2)).

Threads do it, in bursts while both ends keep up; longer waits are left to the event loop.  So a slow end holds no
thread, and no thread has to be woken when a transfer is given up.
"""

import asyncio
import fcntl
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from jobindex.progress import Progress, unsent

PIPE = 1 << 20
"""Bytes that a pipe holds: the most that Linux allows without privileges."""
MOST = 48
"""Transfers at once: Linux gives a user 64 MB of pipes, and beyond that such small ones that copying is faster."""
THREADS = 2
"""Each moves some 3 GB a second; the more there are, the longer lists wait for a processor."""
LONGEST = 0.02
"""Seconds of a burst; then it is the next transfer's turn."""
PATIENCE = 2
"""Milliseconds that a burst waits for a slow end."""


class Splicer:
    """Moves bytes between sockets that don't block."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._moving = 0

    @property
    def has_room(self) -> bool:
        """Whether another transfer gets a pipe that is worth it."""
        return self._moving < MOST

    async def move(self, source: int, target: int, count: int, idle: float, takes_within: float) -> None:
        """Move so many bytes between two sockets, which stay open.

        EOFError where the source ends or breaks before, or gives nothing for `idle` seconds; OSError where the target
        takes no more, or nothing for `takes_within` seconds.  Whoever is cancelled here does not wait for the burst:
        it has descriptors of its own.
        """
        transfer = Transfer(source, target, count)
        self._moving += 1
        burst = self._threads.submit(transfer.burst)
        try:
            await asyncio.wrap_future(burst)
            while transfer.left:
                await transfer.ready(idle, takes_within)
                burst = self._threads.submit(transfer.burst)
                await asyncio.wrap_future(burst)
        finally:
            self._moving -= 1
            burst.add_done_callback(lambda _: transfer.close())


@contextmanager
def opened_splicer() -> Iterator[Splicer | None]:
    """None where this system does not know splice(2), or forbids it."""
    if not _works():
        yield None
        return
    with ThreadPoolExecutor(THREADS, "splice") as threads:
        yield Splicer(threads)


class Transfer:
    """How much is still to be given, and how much of it the pipe holds."""

    def __init__(self, source: int, target: int, count: int) -> None:
        self.left = count
        self._held = 0
        with ExitStack() as descriptors:
            self._source, self._target = (_owned(os.dup(each), descriptors) for each in (source, target))
            self._out, self._into = (_owned(each, descriptors) for each in os.pipe())
            with suppress(OSError):  # who has many pipes already gets small ones
                fcntl.fcntl(self._into, fcntl.F_SETPIPE_SZ, PIPE)
            self.close = descriptors.pop_all().close

    def burst(self) -> None:
        """Move until all is moved, one end is slow, or it has taken long enough."""
        ends = time.monotonic() + LONGEST
        while self.left and time.monotonic() < ends:
            try:
                self._step()
            except BlockingIOError:
                if not self._soon():
                    return

    async def ready(self, idle: float, takes_within: float) -> None:
        """Wait for the end that can't go on.

        EOFError where that is a source that has given nothing for so long, ConnectionAbortedError a target that has
        taken nothing.
        """
        loop = asyncio.get_running_loop()
        if self._held:
            await self._taken_from(Progress(lambda: unsent(self._target), takes_within))
            return
        try:
            async with asyncio.timeout(idle):
                await _event(loop.add_reader, loop.remove_reader, self._source)
        except TimeoutError as error:
            raise EOFError("the source stands still") from error

    async def _taken_from(self, progress: Progress) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(progress.pause_s):
                    return await _event(loop.add_writer, loop.remove_writer, self._target)
            if progress.has_stopped():
                raise ConnectionAbortedError("the target takes nothing")

    def _step(self) -> None:
        if not self._held:
            self._held = self._taken()
        given = os.splice(self._out, self._target, self._held)
        self._held -= given
        self.left -= given

    def _taken(self) -> int:
        try:
            taken = os.splice(self._source, self._into, min(self.left, PIPE))
        except BlockingIOError:
            raise
        except OSError as error:
            raise EOFError("the source broke") from error
        if not taken:
            raise EOFError("the source ended too early")
        return taken

    def _soon(self) -> bool:
        """Whether the end that can't go on can within a moment."""
        poll = select.poll()
        poll.register(*((self._target, select.POLLOUT) if self._held else (self._source, select.POLLIN)))
        return bool(poll.poll(PATIENCE))


def _works() -> bool:
    """Tried with a byte, since a sandbox may know the call and refuse it."""
    if not hasattr(os, "splice"):
        return False
    near, far = socket.socketpair()
    with near, far:
        near.send(b"x")
        transfer = Transfer(far.fileno(), far.fileno(), 1)
        try:
            transfer.burst()
        except (OSError, EOFError):
            return False
        finally:
            transfer.close()
    return True


def _owned(descriptor: int, descriptors: ExitStack) -> int:
    descriptors.callback(os.close, descriptor)
    return descriptor


async def _event(
    add: Callable[[int, Callable[[], None]], object], remove: Callable[[int], object], descriptor: int
) -> None:
    happened = asyncio.Event()
    add(descriptor, happened.set)
    try:
        await happened.wait()
    finally:
        remove(descriptor)
