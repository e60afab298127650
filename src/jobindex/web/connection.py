"""A connection: how long and how large a request may be, what every answer says, and bytes that are no request.

Law: what was sent is repeated neither in a log nor in an answer to something that could not be read: it may hold a
password.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError, RawRequestMessage

from jobindex import metrics
from jobindex.auth.caller import Caller
from jobindex.progress import Progress, unsent
from jobindex.web.answers import error
from jobindex.web.reports import LARGEST

log = logging.getLogger(__name__)

LONGEST_LINE = 8190
MOST_HEADERS = 128
HEAD_WITHIN = 10.0
"""Seconds from the connection, or from the last answer on it, until the head of a request has come."""
BODY_WITHIN = 10.0
"""Seconds that a door waits for the whole body of one."""
LINGERS = 2.0
"""Seconds that a body which nobody wanted is still read and dropped, so that its sender gets to see the answer."""

WRITE_WITHIN_S = 30.0
"""Seconds in which a caller must take some of its answer."""

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Who asks, recognised once for each request."""

ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""No copy of patients' data stays with a browser or a proxy, and a browser that is led to one runs nothing in it."""


class Request(web.BaseRequest):
    """A request whose answers, streams too, say `ALWAYS` unless their door says otherwise."""

    async def read(self) -> bytes:
        """The body; HTTPRequestTimeout or HTTPRequestEntityTooLarge where it is too slow or too large."""
        try:
            async with asyncio.timeout(BODY_WITHIN):
                return await super().read()
        except TimeoutError as error:
            raise web.HTTPRequestTimeout from error

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers["Server"] = "Orthanc-Job-Index"  # without the releases of what it is made of
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)


class Connection(web.RequestHandler):
    """aiohttp's, but for its errors, and that whoever takes nothing of an answer is cut off."""

    __slots__ = ("_look",)

    def __init__(self, *made_of: Any, **more: Any) -> None:
        super().__init__(*made_of, **more)
        self._look: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_later(Progress(self._left, WRITE_WITHIN_S))

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look_no_more()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._look_no_more()
        super().connection_lost(exc)

    def _left(self) -> int:
        """Bytes of answers that the caller has not yet taken."""
        if self.transport is None:
            return 0
        return self.transport.get_write_buffer_size() + unsent(self.transport.get_extra_info("socket").fileno())

    def _look_later(self, progress: Progress) -> None:
        self._look_no_more()
        self._look = self._loop.call_later(progress.pause_s, self._look_at, progress)

    def _look_at(self, progress: Progress) -> None:
        if not progress.has_stopped():
            self._look_later(progress)
        elif self.transport is not None:
            log.info("%s takes nothing of its answer, and is cut off", self.peername)
            metrics.stalled.inc()
            self.transport.abort()

    def _look_no_more(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Orthanc's error JSON, and the end of the connection; an answer that has begun is cut instead."""
        if isinstance(exc, HttpProcessingError):
            log.info("what %s sent is no request: %s", request.remote, type(exc).__name__)
        elif isinstance(exc, ConnectionError):
            log.info("%s left before its answer was complete", request.remote)
        else:
            log.error("an answer broke off", exc_info=exc)
        if request.writer.output_size:
            raise ConnectionError("the answer has begun already")
        response = error(request, status, 8 if status < 500 else -1)
        response.force_close()
        return response


def limits() -> Mapping[str, Any]:
    """What aiohttp is told of a connection."""
    return {
        "loop": asyncio.get_running_loop(),
        "access_log": None,
        "max_line_size": LONGEST_LINE,
        "max_field_size": LONGEST_LINE,
        "max_headers": MOST_HEADERS,
        "keepalive_timeout": HEAD_WITHIN,
        "lingering_time": LINGERS,
        "auto_decompress": False,
    }


class Server(web.Server):
    """Accepts connections, and gives their requests to one handler."""

    made: type[Request] = Request

    def __call__(self) -> Connection:
        return Connection(self, **limits())

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return self.made(message, payload, protocol, writer, task, loop, client_max_size=LARGEST)
