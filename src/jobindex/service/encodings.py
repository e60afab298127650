"""Bodies compressed for callers who take that: once for each version, beside the event loop.

Law: nobody waits for a body that is no longer asked for.  While an older version is being compressed, a newer one goes
out as it is, so that an index that changes all the time costs one thread at most.
"""

import asyncio
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from jobindex.model.query import Question
from jobindex.service.bodies import Bodies

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SMALLEST = 1024
"""Bytes from which on a body is compressed; a smaller one fits into a packet anyway."""
MAX_UNDER_WAY = 8
"""Bodies that are compressed at once, or wait for that; further ones go out as they are."""
THREADS = 2
"""For nothing else, so that nobody's dead name server or disk holds up a list."""


def _gzip(parts: Sequence[bytes]) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join([*map(packer.compress, parts), packer.flush()])


def _zstd(parts: Sequence[bytes]) -> bytes:
    packer = zstd.ZstdCompressor()
    return b"".join([*map(packer.compress, parts), packer.flush()])


CODINGS: Mapping[str, Callable[[Sequence[bytes]], bytes]] = {"zstd": _zstd, "gzip": _gzip}
"""Best first: zstd is six times as fast as gzip, and smaller."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """A body, and the tag of what it was made of."""

    tag: str
    text: bytes

    def __len__(self) -> int:
        return len(self.text)


class Encodings:
    """Compresses, and keeps what it made where the bodies are kept that it was made of."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._threads = ThreadPoolExecutor(THREADS, "compression")
        self._under_way: dict[tuple[Question, str], tuple[str, asyncio.Task[bytes]]] = {}

    def made(self, question: Question, tag: str, coding: str) -> bytes | None:
        """The body in this coding where it has been made already."""
        kept = self._bodies.get((question, coding))
        return kept.text if isinstance(kept, Compressed) and kept.tag == tag else None

    async def encode(self, question: Question, tag: str, parts: Sequence[bytes], coding: str) -> bytes | None:
        """The body in this coding; None where it should go out as it is."""
        if sum(map(len, parts)) < SMALLEST:
            return None
        key = (question, coding)
        if made := self.made(question, tag, coding):
            return made
        if key not in self._under_way:
            if len(self._under_way) >= MAX_UNDER_WAY:
                return None
            task = asyncio.create_task(self._compress(key, tag, parts), name="compression")
            self._under_way[key] = tag, task
        of, task = self._under_way[key]
        return await asyncio.shield(task) if of == tag else None

    async def _compress(self, key: tuple[Question, str], tag: str, parts: Sequence[bytes]) -> bytes:
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._threads, CODINGS[key[1]], parts)
            self._bodies.keep(key, Compressed(tag, made))
            return made
        finally:
            del self._under_way[key]
