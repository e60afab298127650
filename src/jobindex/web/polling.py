"""Connections on which a poll is known by its bytes: answered without a parser, a task or a request of its own.

Law: bytes are only ever taken for a poll where a request must begin, and by itself: each earlier read on the
connection was one whole request without a body, and each of those has been answered.  Otherwise aiohttp reads on, and
does so for the rest of the connection.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, hdrs, web

from jobindex.web import connection
from jobindex.web.audit import READ_AS
from jobindex.web.connection import CALLER, limits
from jobindex.web.errors import Handler
from jobindex.web.pieces import PIECE_BYTES, pieces
from jobindex.web.polls import ASKED, Poll, Polls, head_of

END = b"\r\n\r\n"


class Request(connection.Request):
    """Knows by what its like will be known; by nothing (b"") where it was not read by itself."""

    def __init__(self, *made_of: Any, **more: Any) -> None:
        super().__init__(*made_of, **more)
        self._key = self.protocol.key if isinstance(self.protocol, Connection) else b""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        await super()._prepare_hook(response)
        if self._key and ASKED in self and isinstance(self.protocol, Connection) and self._is_plain(response):
            self._remember(self.protocol.polls, response)

    def _remember(self, polls: Polls, response: web.StreamResponse) -> None:
        if polls.comes_again(self._key):
            poll = Poll(
                self[CALLER].fingerprint,
                self[ASKED],
                self.path,
                response.status,
                head_of(response.status, response.headers),
                self.get(READ_AS),
            )
            polls.remember(self._key, poll)

    def _is_plain(self, response: web.StreamResponse) -> bool:
        """Whether the connection goes on as HTTP/1.1 does by itself."""
        plain = self.version == HttpVersion11 and hdrs.CONNECTION not in response.headers
        return plain and response.status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)


class Connection(connection.Connection):
    """Answers polls itself, one at a time; what comes meanwhile waits."""

    __slots__ = ("_at_rest", "_busy", "_done", "_held", "_peer", "_sending", "key", "polls")

    def __init__(self, polls: Polls, *made_of: Any, **more: Any) -> None:
        super().__init__(*made_of, **more)
        self.key = b""
        self.polls = polls
        self._peer = ""
        self._at_rest = True
        self._busy = False
        self._held = b""
        self._done: asyncio.Future[None] | None = None
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._peer = self.peername[0] if isinstance(self.peername, tuple) else ""

    def data_received(self, data: bytes) -> None:
        """A poll, or something for aiohttp to read."""
        if self._busy:
            self._hold(data)
            return
        self.key = self.polls.key(data, self._peer) if self._at_rest and self._waits() else b""
        if poll := self.polls.find(self.key):
            self._busy = True
            self.polls.answer(poll, lambda answer: self._take(data, answer))
        else:
            self._read(data)

    def _waits(self) -> bool:
        """Whether everything that was read has been answered, and more may come."""
        return self._waiter is not None and not self._messages and not self._close and not self._force_close

    def _read(self, data: bytes) -> None:
        """As aiohttp does; and see whether it was one whole request, behind which the next must begin."""
        alone = self._at_rest and self._waits()
        super().data_received(data)
        found = self._messages
        whole = len(found) == 1 and found[0][1] is EMPTY_PAYLOAD and data.find(END) == len(data) - len(END)
        self._at_rest = alone and whole and not self._upgraded
        if not self._at_rest:
            self.key = b""

    def _hold(self, data: bytes) -> None:
        """Nothing more is read while there is something that waits."""
        self._held += data
        if self._held and self.transport is not None:
            self.transport.pause_reading()

    def _take(self, data: bytes, answer: tuple[bytes, Sequence[bytes]] | None) -> None:
        if answer is not None and self.transport is not None:
            self._send(self.transport, *answer)
            return
        if answer is None:
            self._read(data)
        self._go_on()

    def _send(self, transport: asyncio.Transport, head: bytes, body: Sequence[bytes]) -> None:
        if sum(map(len, body)) > PIECE_BYTES:
            transport.write(head)
            self._sending = asyncio.create_task(self._send_pieces(transport, body), name="list")
            return
        transport.write(b"".join((head, *body)))
        if self.writing_paused:
            self._sending = asyncio.create_task(self._send_pieces(transport, ()), name="list")
        else:
            self._go_on()

    async def _send_pieces(self, transport: asyncio.Transport, body: Sequence[bytes]) -> None:
        """As fast as the caller reads, who may have left."""
        try:
            for piece in pieces(body):
                transport.write(piece)
                await self._drain_helper()
            await self._drain_helper()
        except ConnectionError:
            transport.abort()
        finally:
            self._go_on()

    def _go_on(self) -> None:
        """With what has come meanwhile; a connection on which nothing comes is closed after a while."""
        self._busy = False
        self._next_keepalive_close_time = self._loop.time() + self.keepalive_timeout
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
        held, self._held = self._held, b""
        if held and self.transport is not None:
            self.transport.resume_reading()
            self.data_received(held)

    def _process_keepalive(self) -> None:
        """A poll that is still being answered keeps its connection."""
        if self._busy:
            self._next_keepalive_close_time = self._loop.time() + self.keepalive_timeout
        super()._process_keepalive()

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Finish the answer to a poll first."""
        if self._busy:
            self._done = self._loop.create_future()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._done, timeout)
        await super().shutdown(timeout)


class Server(connection.Server):
    """Accepts connections, and remembers their polls."""

    made = Request

    def __init__(self, handler: Handler, polls: Polls, **more: Any) -> None:
        super().__init__(handler, **more)
        self._polls = polls

    def __call__(self) -> Connection:
        return Connection(self._polls, self, **limits())
