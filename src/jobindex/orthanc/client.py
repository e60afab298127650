"""Requests to an Orthanc.

The law: what isn't GET goes out on a connection of its own, once; whether anything was sent decides
between OwnerUnreachable (try again) and OwnerSilent (look for the effect first).  No redirect is followed.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from yarl import URL

from jobindex.errors import OutOfReach, OwnerSilent, OwnerUnreachable
from jobindex.orthanc.credentials import NOBODY, Credentials
from jobindex.orthanc.headers import permitted
from jobindex.orthanc.output import Output
from jobindex.orthanc.places import Places
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.sessions import Sessions, opened_sessions
from jobindex.orthanc.splice import Splicer, opened_splicer
from jobindex.orthanc.wire import Answer, is_orthancs

log = logging.getLogger(__name__)

CONNECT = 1.0
"""Seconds to get a connection."""
LARGEST = 64 << 20
"""Bytes of a JSON answer that are read into memory: some 60,000 expanded jobs."""


class Client:
    """Asks Orthancs at their addresses, as whoever the given credentials say."""

    def __init__(self, sessions: Sessions, reach: Reach, splicer: Splicer | None) -> None:
        self._sessions = sessions
        self._reach = reach
        self._splicer = splicer
        self._places = Places()
        self._barred: dict[str, str] = {}

    def check(self, url: str) -> None:
        """OutOfReach where no Orthanc may be; what a name stands for is looked at when it is called."""
        self._reach.check(url)

    async def ask(
        self, url: str, method: str, path: str, credentials: Credentials = NOBODY, *, within: float = 1.0
    ) -> Answer:
        """The whole answer, `within` seconds, half of which may pass until it is this request's turn."""
        ends = asyncio.get_running_loop().time() + within
        async with self._places.taken(url, within / 2):
            left = ends - asyncio.get_running_loop().time()
            # a little less: who was not even connected to was sent nothing
            timeout = aiohttp.ClientTimeout(total=left, connect=min(CONNECT, 0.9 * left))
            session = self._sessions.reading if method == "GET" else self._sessions.acting
            with self._translated(url):
                async with self._request(session, url, method, path, credentials, timeout) as response:
                    return await _whole(url, response)

    @asynccontextmanager
    async def stream(self, url: str, path: str, credentials: Credentials, *, within: float) -> AsyncIterator[Output]:
        """An answer whose body is to come; its head comes `within` seconds, and `Output` watches over the rest."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=within)
        with self._translated(url):
            async with asyncio.timeout(within):
                response = await self._request(self._sessions.streaming, url, "GET", path, credentials, timeout)
        async with response:
            _check(url, response)
            yield Output(response, self._splicer)

    def _request(
        self,
        session: aiohttp.ClientSession,
        url: str,
        method: str,
        path: str,
        credentials: Credentials,
        timeout: aiohttp.ClientTimeout,
    ) -> "aiohttp.client._RequestContextManager":
        self._reach.check(url)
        target = exactly(url + credentials.added_to(path))
        return session.request(method, target, headers=credentials.headers, timeout=timeout, allow_redirects=False)

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
    """The client, until left."""
    with opened_splicer() as splicer:
        async with opened_sessions(reach, tls) as sessions:
            yield Client(sessions, reach, splicer)


def exactly(meant: str) -> URL:
    """This address, byte for byte as it will be sent; ValueError, which doesn't repeat it, where that is another."""
    target = URL(meant, encoded=True)
    if target.raw_authority + target.raw_path_qs != meant.partition("://")[2]:
        raise ValueError("the address that would be sent is not the one that was meant")
    return target


async def _whole(url: str, response: aiohttp.ClientResponse) -> Answer:
    """OwnerSilent where it is too large, or none that an Orthanc gives."""
    _check(url, response)
    pieces, size = [], 0
    while size <= LARGEST and (piece := await response.content.read(LARGEST + 1 - size)):
        pieces.append(piece)
        size += len(piece)
    if size > LARGEST:
        raise OwnerSilent(f"The answer of {url} is larger than {LARGEST} bytes")
    body = b"".join(pieces)
    return Answer(response.status, permitted(response.headers), body)


def _check(url: str, response: aiohttp.ClientResponse) -> None:
    if not is_orthancs(response.status, response.headers):
        raise OwnerSilent(f"{url} answered what no Orthanc answers")


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
