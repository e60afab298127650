"""A listener: the middle pieces every request passes, and the life of the socket."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from prometheus_client import Histogram

from jobindex import metrics
from jobindex.auth.recognition import Recognition
from jobindex.web.errors import Handler, with_errors
from jobindex.web.reports import LARGEST
from jobindex.web.routes import Routes

access = logging.getLogger("jobindex.access")

LONGEST_LINE = 8190
BACKLOG = 1024
"""Connections that may wait to be accepted; aiohttp's 128 made nginx give up when 200 callers came at once."""
DRAIN = 10.0
"""Seconds that requests in flight get when the replica stops."""


def handler(routes: Routes, recognition: Recognition) -> Handler:
    """From a request to its answer: logged and counted, errors turned into answers, the gate, the door."""

    async def route(request: web.BaseRequest) -> web.StreamResponse:
        caller = recognition.caller(request.headers, request.rel_url.query.items(), request.remote or "")
        return await routes.answer(request, caller)

    return _logged(with_errors(route))


def _logged(answer: Handler) -> Handler:
    """One line a request, without its query and its headers, which may hold secrets."""

    async def logged(request: web.BaseRequest) -> web.StreamResponse:
        began = time.perf_counter()
        response = await answer(request)
        took = time.perf_counter() - began
        kind = request.path.lstrip("/").split("/", maxsplit=1)[0][:16]
        _timed(kind if kind in KINDS else "other", request.method, response.status).observe(took)
        level = logging.DEBUG if kind in ("-", "metrics", "nodes") else logging.INFO
        if access.isEnabledFor(level):
            line = (request.method, request.path, response.status, took * 1000)
            # by hand, since a look at who calls the logger costs as much as the line
            access.handle(access.makeRecord(access.name, level, __file__, 0, "%s %s %d %.1f ms", line, None))
        return response

    return logged


@lru_cache(maxsize=1000)
def _timed(kind: str, method: str, status: int) -> Histogram:
    """Looked up once: finding a metric by its labels costs as much as the rest of a line."""
    return metrics.requests.labels(kind, method if method in METHODS else "other", status)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
KINDS = frozenset({"jobs", "job-index", "nodes", "-", "metrics", "orthanc"})
"""Methods and first parts of paths that the metrics tell apart; anything else would let callers make up labels."""


@asynccontextmanager
async def listening(answer: Handler, host: str, port: int) -> AsyncIterator[int]:
    """Serve on a port (0: any free one, which is given) until left; then finish what is in flight."""
    stopping = asyncio.Event()

    async def answer_to_the_last(request: web.BaseRequest) -> web.StreamResponse:
        response = await answer(request)
        if stopping.is_set():
            response.force_close()
        return response

    server = web.Server(
        answer_to_the_last,
        request_factory=_request,
        handler_cancellation=True,
        access_log=None,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
    )
    runner = web.ServerRunner(server, shutdown_timeout=DRAIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, reuse_address=True, backlog=BACKLOG).start()
        yield runner.addresses[0][1]
    finally:
        stopping.set()
        await asyncio.shield(runner.cleanup())


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST)
