"""The connections to Orthancs: one kind for reading, one for what changes something, one for downloads.

Law: what changes something is sent once, on a connection of its own; no address is connected to that is out of reach.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from jobindex.orthanc.names import Resolver
from jobindex.orthanc.reach import Reach

BUFFER = 256 << 10
"""Bytes in one piece of a download; larger ones are not faster, smaller ones are slower."""
KEPT = 0.7
"""Seconds that a connection is kept for the next question: less than the second that Orthanc keeps it."""
MOST_DOWNLOADS = 64
"""Of one Orthanc at once; they are counted apart, so that slow ones keep nobody from asking."""

_OURS_ONLY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True, slots=True)
class Sessions:
    """How many questions an Orthanc gets at once is decided by `Places`, not by these."""

    reading: aiohttp.ClientSession
    acting: aiohttp.ClientSession
    streaming: aiohttp.ClientSession


@asynccontextmanager
async def opened_sessions(reach: Reach, tls: ssl.SSLContext) -> AsyncIterator[Sessions]:
    """They keep no cookies and say nothing of themselves."""
    way: dict[str, Any] = {"limit": 0, "ssl": tls, "socket_factory": reach.socket_to, "resolver": Resolver()}
    options: dict[str, Any] = {"auto_decompress": False, "skip_auto_headers": _OURS_ONLY, "read_bufsize": BUFFER}
    kept = aiohttp.TCPConnector(keepalive_timeout=KEPT, **way)
    once = aiohttp.TCPConnector(force_close=True, **way)
    downloads = aiohttp.TCPConnector(limit_per_host=MOST_DOWNLOADS, force_close=True, **way)
    jar = aiohttp.DummyCookieJar
    async with (
        aiohttp.ClientSession(connector=kept, cookie_jar=jar(), **options) as reading,
        aiohttp.ClientSession(connector=once, cookie_jar=jar(), middlewares=[sent_once], **options) as acting,
        aiohttp.ClientSession(connector=downloads, cookie_jar=jar(), **options) as streaming,
    ):
        yield Sessions(reading, acting, streaming)


async def sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a DELETE again whose connection ended without an answer, unless the error is another."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError("the connection ended without an answer") from error
