"""Requests to an Orthanc.

The law: what isn't GET goes out on a connection of its own, once; whether anything was sent decides
between OwnerUnreachable (try again) and OwnerSilent (look for the effect first).  No redirect is followed,
and no address is connected to that is out of reach.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
from yarl import URL

from jobindex.errors import OutOfReach, OwnerSilent, OwnerUnreachable
from jobindex.orthanc.headers import permitted
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.wire import Answer

log = logging.getLogger(__name__)

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
    """Asks Orthancs at their addresses, as whoever the given headers say."""

    def __init__(self, kept: aiohttp.ClientSession, once: aiohttp.ClientSession, reach: Reach) -> None:
        self._kept = kept
        self._once = once
        self._reach = reach
        self._barred: dict[str, str] = {}

    def check(self, url: str) -> None:
        """OutOfReach where no Orthanc may be; what a name stands for is looked at when it is called."""
        self._reach.check(url)

    async def ask(
        self,
        url: str,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        within: float = 1.0,
    ) -> Answer:
        """The whole answer, `within` seconds."""
        timeout = aiohttp.ClientTimeout(total=within, connect=min(CONNECT, within))
        with self._translated(url):
            async with self._request(url, method, path, headers or {}, timeout) as response:
                body = await response.content.read(LARGEST + 1)
                while len(body) <= LARGEST and (piece := await response.content.read(LARGEST + 1 - len(body))):
                    body += piece
        if len(body) > LARGEST:
            raise OwnerSilent(f"The answer of {url} is larger than {LARGEST} bytes")
        return Answer(response.status, permitted(response.headers), body)

    @asynccontextmanager
    async def stream(
        self, url: str, path: str, headers: Mapping[str, str], *, within: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is to come; its head comes `within` seconds; errors in the body are the caller's."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=IDLE)
        with self._translated(url):
            async with asyncio.timeout(within):
                response = await self._request(url, "GET", path, headers, timeout)
        async with response:
            yield response

    def _request(
        self, url: str, method: str, path: str, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> "aiohttp.client._RequestContextManager":
        self._reach.check(url)
        session = self._kept if method == "GET" else self._once
        target = URL(url + path, encoded=True)
        return session.request(method, target, headers=headers, timeout=timeout, allow_redirects=False)

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        try:
            yield
        except (OutOfReach, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._note(url, _bar(error))
            raise OwnerUnreachable(f"{url} can't be called") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OwnerSilent(f"{url} did not answer") from error
        self._barred.pop(url, None)

    def _note(self, url: str, reason: str) -> None:
        """Say it once, until it is over."""
        if reason and self._barred.get(url) != reason:
            self._barred[url] = reason
            log.warning("%s is not called: %s", url, reason)


@asynccontextmanager
async def opened(reach: Reach, tls: ssl.SSLContext) -> AsyncIterator[Client]:
    """The client; connections are kept shorter than the second that Orthanc keeps them."""
    way: dict[str, Any] = {"limit": 0, "limit_per_host": 32, "ssl": tls, "socket_factory": reach.socket_to}
    options = {"auto_decompress": False, "skip_auto_headers": _OURS_ONLY, "read_bufsize": BUFFER}
    kept = aiohttp.TCPConnector(keepalive_timeout=0.7, **way)
    once = aiohttp.TCPConnector(force_close=True, **way)
    jar = aiohttp.DummyCookieJar
    async with (
        aiohttp.ClientSession(connector=kept, cookie_jar=jar(), **options) as reading,  # type: ignore[arg-type]
        aiohttp.ClientSession(connector=once, cookie_jar=jar(), middlewares=[_once], **options) as acting,  # type: ignore[arg-type]
    ):
        yield Client(reading, acting, reach)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a DELETE again whose connection ended without an answer, unless the error is another."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError("the connection ended without an answer") from error


def _bar(error: Exception) -> str:
    """Why somebody whom we could call is not called; "" where it simply can't be done."""
    if isinstance(error, OutOfReach):
        return str(error)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is refused: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"TLS fails: {error.os_error}"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    return str(cause.strerror) if isinstance(cause, PermissionError) else ""
