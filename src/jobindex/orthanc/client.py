"""Requests to an Orthanc.

The law: what isn't GET goes out on a connection of its own, once; whether anything was sent decides
between OwnerUnreachable (try again) and OwnerSilent (look for the effect first).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from yarl import URL

from jobindex.errors import OwnerSilent, OwnerUnreachable
from jobindex.orthanc.credentials import NOBODY, Credentials
from jobindex.orthanc.headers import permitted
from jobindex.orthanc.wire import Answer

CONNECT = 1.0
"""Seconds to get a connection."""
LARGEST = 64 << 20
"""Bytes of a JSON answer that are read into memory: some 60,000 expanded jobs."""
BUFFER = 256 << 10
"""Bytes in one piece of a download; larger ones are not faster, smaller ones are slower."""
IDLE = 30.0
"""Seconds that a download may stand still."""

_OURS_ONLY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class Client:
    """Asks Orthancs at their addresses, as whoever the given credentials say."""

    def __init__(self, kept: aiohttp.ClientSession, once: aiohttp.ClientSession) -> None:
        self._kept = kept
        self._once = once

    async def ask(
        self,
        url: str,
        method: str,
        path: str,
        credentials: Credentials = NOBODY,
        *,
        within: float = 1.0,
    ) -> Answer:
        """The whole answer, `within` seconds."""
        timeout = aiohttp.ClientTimeout(total=within, connect=min(CONNECT, within))
        with _translated(url):
            async with self._request(url, method, path, credentials, timeout) as response:
                body = await response.content.read(LARGEST + 1)
                while len(body) <= LARGEST and (piece := await response.content.read(LARGEST + 1 - len(body))):
                    body += piece
        if len(body) > LARGEST:
            raise OwnerSilent(f"The answer of {url} is larger than {LARGEST} bytes")
        return Answer(response.status, permitted(response.headers), body)

    @asynccontextmanager
    async def stream(
        self, url: str, path: str, credentials: Credentials, *, within: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is to come; its head comes `within` seconds; errors in the body are the caller's."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=IDLE)
        with _translated(url):
            async with asyncio.timeout(within):
                response = await self._request(url, "GET", path, credentials, timeout)
        async with response:
            yield response

    def _request(
        self, url: str, method: str, path: str, credentials: Credentials, timeout: aiohttp.ClientTimeout
    ) -> "aiohttp.client._RequestContextManager":
        session = self._kept if method == "GET" else self._once
        target = exactly(url + credentials.added_to(path))
        return session.request(method, target, headers=credentials.headers, timeout=timeout, allow_redirects=False)


def exactly(meant: str) -> URL:
    """This address, byte for byte as it will be sent; ValueError, which doesn't repeat it, where that is another."""
    target = URL(meant, encoded=True)
    if target.raw_authority + target.raw_path_qs != meant.partition("://")[2]:
        raise ValueError("the address that would be sent is not the one that was meant")
    return target


@asynccontextmanager
async def opened() -> AsyncIterator[Client]:
    """The client; connections are kept shorter than the second that Orthanc keeps them."""
    options = {"auto_decompress": False, "skip_auto_headers": _OURS_ONLY, "read_bufsize": BUFFER}
    kept = aiohttp.TCPConnector(limit=0, limit_per_host=32, keepalive_timeout=0.7)
    once = aiohttp.TCPConnector(limit=0, limit_per_host=32, force_close=True)
    jar = aiohttp.DummyCookieJar
    async with (
        aiohttp.ClientSession(connector=kept, cookie_jar=jar(), **options) as reading,  # type: ignore[arg-type]
        aiohttp.ClientSession(connector=once, cookie_jar=jar(), middlewares=[_once], **options) as acting,  # type: ignore[arg-type]
    ):
        yield Client(reading, acting)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a DELETE again whose connection ended without an answer, unless the error is another."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError("the connection ended without an answer") from error


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise OwnerUnreachable(f"{url} can't be called") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OwnerSilent(f"{url} did not answer") from error
