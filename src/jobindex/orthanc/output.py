"""An output as its Orthanc sends it: the head is known, the body is still to come.

Law: a body that breaks off or stands still is OwnerSilent, whichever way it is passed on.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp

from jobindex.errors import OwnerSilent
from jobindex.orthanc.splice import Splicer

IDLE = 30.0
"""Seconds that a download may stand still once it has begun."""
TAKES_WITHIN_S = 30.0
"""Seconds in which a caller must take some of it."""
WORTH_POURING = 1 << 20
"""Bytes from which on a body is worth a pipe."""


class Output:
    """Its body is either read piece by piece, or begun and then poured, for which there has to be a splicer."""

    def __init__(self, response: aiohttp.ClientResponse, splicer: Splicer | None) -> None:
        self._response = response
        self._splicer = splicer

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def piece(self) -> bytes:
        """What has come next; nothing at the end."""
        with _translated():
            async with asyncio.timeout(IDLE):
                return await self._response.content.readany()

    def can_be_poured(self, length: int | None) -> bool:
        """Whether somebody who was told this length wants just what comes out of the owner's socket."""
        response, transport = self._response, self._transport()
        bare = transport is not None and transport.get_extra_info("sslcontext") is None
        whole = "Transfer-Encoding" not in response.headers and response.content_length == length
        large = length is not None and length >= WORTH_POURING
        return bare and whole and large and self._splicer is not None and self._splicer.has_room

    def begun(self) -> bytes:
        """What has come so far; what comes from now on is left to `pour`."""
        begun = bytearray()
        with _translated():
            while piece := self._response.content.read_nowait():
                begun += piece
        if transport := self._transport():
            transport.pause_reading()  # aiohttp's own clock goes on, and nobody listens to it any more
        return bytes(begun)

    async def pour(self, target: int) -> None:
        """Move the rest into a socket, after `begun`; OSError where that takes no more, or nothing for too long."""
        left = (self._response.content_length or 0) - self._response.content.total_bytes
        transport = self._transport()
        if not left:
            return
        if self._splicer is None or transport is None:
            raise OwnerSilent("an output broke off")
        try:
            source = transport.get_extra_info("socket").fileno()
            await self._splicer.move(source, target, left, IDLE, TAKES_WITHIN_S)
        except EOFError as error:
            raise OwnerSilent("an output broke off") from error

    def _transport(self) -> asyncio.Transport | None:
        """None when the connection is over."""
        connection = self._response.connection
        return connection.transport if connection else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientPayloadError, TimeoutError) as error:
        raise OwnerSilent("an output broke off") from error
