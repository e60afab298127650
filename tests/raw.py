"""Bytes that no library would send, and what comes back until the other side closes."""

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

SMUGGLED = "GET /jobs/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

_LENGTH = f"Content-Length: {len(SMUGGLED)}\r\n"

TWO_WAYS = {
    "a length and chunks": f"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "chunks and a length": f"Transfer-Encoding: chunked\r\n{_LENGTH}\r\n0\r\n\r\n{SMUGGLED}",
    "two lengths": f"Content-Length: 0\r\n{_LENGTH}\r\n{SMUGGLED}",
    "a list of lengths": f"Content-Length: 0, {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a length below nothing": f"Content-Length: -1\r\n\r\n{SMUGGLED}",
    "a length with a sign": f"Content-Length: +{len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "an unknown coding": f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "chunked is not the last": f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "chunked twice": f"Transfer-Encoding: chunked\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a chunk without a size": f"Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n{SMUGGLED}",
    "a space before the colon": f"Content-Length : {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a line that is continued": f"X-Folded: a\r\n Content-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a bare CR": f"X-Cr: a\rContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a NUL": f"X-Nul: a\0b\r\n\r\n{SMUGGLED}",
    "no name": f": a\r\n\r\n{SMUGGLED}",
    "no colon": f"Content-Length\r\n\r\n{SMUGGLED}",
}
"""Headers, and what follows them, that two servers might cut into requests at different places."""


@dataclass(frozen=True)
class Replies:
    """All that came: its statuses, its text, and whether the other side closed."""

    statuses: list[int]
    text: str
    closed: bool


async def send(url: str, data: str, within: float = 5.0) -> Replies:
    """Send it, and read until the other side closes, or for as long as that."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    got, closed = bytearray(), False
    try:
        writer.write(data.encode("latin-1"))
        async with asyncio.timeout(within):
            while piece := await reader.read(65536):
                got += piece
            closed = True
    except TimeoutError:
        pass
    except ConnectionError:
        closed = True
    finally:
        writer.transport.abort()
    text = got.decode("latin-1")
    return Replies([int(status) for status in re.findall(r"HTTP/1\.[01] (\d{3})", text)], text, closed)
