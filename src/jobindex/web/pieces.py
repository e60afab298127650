"""Bodies that are sent in pieces, as fast as the caller reads, so that a slow one holds no copy of a whole list."""

from collections.abc import AsyncIterator, Iterator, Sequence

from aiohttp import payload
from aiohttp.abc import AbstractStreamWriter

from jobindex.orthanc.wire import JSON

PIECE_BYTES = 256 << 10
"""Given to the system at a time."""


def pieces(parts: Sequence[bytes]) -> Iterator[memoryview]:
    """The same bytes, never many at once."""
    for part in parts:
        whole = memoryview(part)
        for start in range(0, len(part), PIECE_BYTES):
            yield whole[start : start + PIECE_BYTES]


class Streamed(payload.Payload):
    """A JSON body that comes piece by piece, so that nobody knows its length before; it can be written once."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        super().__init__(stream, content_type=JSON)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a stream is not read here")

    async def write(self, writer: AbstractStreamWriter) -> None:
        async for part in self._value:
            for piece in pieces([part]):
                await writer.write(piece)


class Pieces(payload.Payload):
    """A JSON body of known length."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        super().__init__(parts, content_type=JSON)
        self._size = sum(map(len, parts))

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        for piece in pieces(self._value):
            await writer.write(piece)
