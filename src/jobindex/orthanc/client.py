"""Requests to an Orthanc.

The law: what isn't GET goes out on a connection of its own, once; whether anything was sent decides
between OwnerUnreachable (try again) and OwnerSilent (look for the effect first).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from yarl import URL

from jobindex.errors import OwnerSilent, OwnerUnreachable
from jobindex.orthanc.headers import permitted
from jobindex.orthanc.places import Places
from jobindex.orthanc.wire import Answer, is_orthancs

CONNECT = 1.0
"""Seconds to get a connection."""
LARGEST = 64 << 20
"""Bytes of a JSON answer that are read into memory: some 60,000 expanded jobs."""
BUFFER = 256 << 10
"""Bytes in one piece of a download; larger ones are not faster, smaller ones are slower."""
IDLE = 30.0
"""Seconds that a download may stand still."""
MOST_DOWNLOADS = 64
"""Of one Orthanc at once; they are counted apart, so that slow ones keep nobody from asking."""

_OURS_ONLY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class Client:
    """Asks Orthancs at their addresses, as whoever the given headers say."""

    def __init__(
        self, kept: aiohttp.ClientSession, once: aiohttp.ClientSession, streaming: aiohttp.ClientSession
    ) -> None:
        self._kept = kept
        self._once = once
        self._streaming = streaming
        self._places = Places()

    async def ask(
        self,
        url: str,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        within: float = 1.0,
    ) -> Answer:
        """The whole answer, `within` seconds, half of which may pass until it is this request's turn."""
        ends = asyncio.get_running_loop().time() + within
        async with self._places.taken(url, within / 2):
            left = ends - asyncio.get_running_loop().time()
            timeout = aiohttp.ClientTimeout(total=left, connect=min(CONNECT, left))
            session = self._kept if method == "GET" else self._once
            with _translated(url):
                async with _request(session, url, method, path, headers or {}, timeout) as response:
                    return await _whole(url, response)

    @asynccontextmanager
    async def stream(
        self, url: str, path: str, headers: Mapping[str, str], *, within: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is to come; its head comes `within` seconds; errors in the body are the caller's."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=IDLE)
        with _translated(url):
            async with asyncio.timeout(within):
                response = await _request(self._streaming, url, "GET", path, headers, timeout)
        async with response:
            _check(url, response)
            yield response


def _request(
    session: aiohttp.ClientSession,
    url: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    timeout: aiohttp.ClientTimeout,
) -> "aiohttp.client._RequestContextManager":
    target = URL(url + path, encoded=True)
    return session.request(method, target, headers=headers, timeout=timeout, allow_redirects=False)


async def _whole(url: str, response: aiohttp.ClientResponse) -> Answer:
    """OwnerSilent where it is too large, or none that an Orthanc gives."""
    _check(url, response)
    body = await response.content.read(LARGEST + 1)
    while len(body) <= LARGEST and (piece := await response.content.read(LARGEST + 1 - len(body))):
        body += piece
    if len(body) > LARGEST:
        raise OwnerSilent(f"The answer of {url} is larger than {LARGEST} bytes")
    return Answer(response.status, permitted(response.headers), body)


def _check(url: str, response: aiohttp.ClientResponse) -> None:
    if not is_orthancs(response.status, response.headers):
        raise OwnerSilent(f"{url} answered what no Orthanc answers")


@asynccontextmanager
async def opened() -> AsyncIterator[Client]:
    """The client; connections are kept shorter than the second that Orthanc keeps them."""
    options = {"auto_decompress": False, "skip_auto_headers": _OURS_ONLY, "read_bufsize": BUFFER}
    kept = aiohttp.TCPConnector(limit=0, keepalive_timeout=0.7)
    once = aiohttp.TCPConnector(limit=0, force_close=True)
    downloads = aiohttp.TCPConnector(limit=0, limit_per_host=MOST_DOWNLOADS, force_close=True)
    jar = aiohttp.DummyCookieJar
    async with (
        aiohttp.ClientSession(connector=kept, cookie_jar=jar(), **options) as reading,  # type: ignore[arg-type]
        aiohttp.ClientSession(connector=once, cookie_jar=jar(), middlewares=[_once], **options) as acting,  # type: ignore[arg-type]
        aiohttp.ClientSession(connector=downloads, cookie_jar=jar(), **options) as streaming,  # type: ignore[arg-type]
    ):
        yield Client(reading, acting, streaming)


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
