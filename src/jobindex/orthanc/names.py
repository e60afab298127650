"""Name resolution for connections to Orthancs: each look-up has a thread of its own.

Law: a name server that is away holds up nobody but who asked for that name.  The C library's resolver knows no
time limit, so a look-up that nobody waits for any more goes on by itself, and is the only one of its name.
"""

import asyncio
import socket
import threading
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

MAX_LOOKUPS = 256
"""Names that are looked up at once; each takes a thread, some 50 KB."""

Key = tuple[str, int]
Found = list[tuple[Any, ...]]


class Resolver(AbstractResolver):
    """Asks the system as aiohttp's own does, but never in the threads of the event loop."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name; OSError where it has none, or too many names are being looked up."""
        key = (host, int(family))
        if key not in self._under_way:
            self._under_way[key] = self._start(key)
        found = await asyncio.shield(self._under_way[key])
        return [_address(host, port, each) for each in found]

    async def close(self) -> None:
        """What is under way ends by itself, and keeps no process from ending."""

    def _start(self, key: Key) -> asyncio.Future[Found]:
        if len(self._under_way) >= MAX_LOOKUPS:
            raise OSError(f"{MAX_LOOKUPS} other names are being looked up")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        answer.add_done_callback(lambda _: self._end(key))
        threading.Thread(target=_look_up, args=(key, loop, answer), name="look-up", daemon=True).start()
        return answer

    def _end(self, key: Key) -> None:
        ended = self._under_way.pop(key)
        if not ended.cancelled():
            ended.exception()  # perhaps nobody waits for it any more


def _look_up(key: Key, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Found]") -> None:
    host, family = key
    error: OSError | None = None
    found: Found = []
    try:
        found = socket.getaddrinfo(host, 0, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as failure:
        error = failure if isinstance(failure, OSError) else OSError(f"{type(failure).__name__} in a name")
    try:
        loop.call_soon_threadsafe(_tell, answer, found, error)
    except RuntimeError:
        return  # the loop has ended meanwhile


def _tell(answer: "asyncio.Future[Found]", found: Found, error: OSError | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(found)


def _address(host: str, port: int, found: tuple[Any, ...]) -> ResolveResult:
    family, _, protocol, _, address = found
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address[0], port=port, family=family, proto=protocol, flags=numeric)
