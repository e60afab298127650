"""A listener: the middle pieces every request passes, and the life of the socket."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.auth.introduction import Introduction
from jobindex.auth.recognition import Recognition
from jobindex.web import access, connection, polling
from jobindex.web.answers import REQUEST_ID, REQUEST_ID_HEADER
from jobindex.web.audit import Audit
from jobindex.web.connection import CALLER
from jobindex.web.errors import Handler, with_errors
from jobindex.web.polls import Polls
from jobindex.web.routes import Guard, Routes

BACKLOG = 1024
"""Connections that may wait to be accepted; aiohttp's 128 made nginx give up when 200 callers came at once."""
DRAIN = 10.0
"""Seconds that requests in flight get when the replica stops."""


class CannotListen(Exception):
    """A listener can't be opened where the settings say: its host, its port, and why not."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"can't listen at {host}:{port}: {reason}")
        self.place = host, port


def handler(
    routes: Routes,
    recognition: Recognition | Introduction,
    guard: Guard | None = None,
    audit: Audit | None = None,
) -> Handler:
    """From a request to its answer: logged, counted, audited, errors turned into answers, the guard, gate and door.

    Clients have a guard before them; Orthancs and probes none.
    """
    doors = guard(routes) if guard else routes

    def caller(request: web.BaseRequest) -> Caller:
        """Recognised once for each request."""
        if CALLER not in request:
            request[CALLER] = recognition.caller(request.headers, request.rel_url.query.items(), request.remote or "")
        return request[CALLER]

    async def route(request: web.BaseRequest) -> web.StreamResponse:
        return await doors.answer(request, caller(request))

    answer = with_errors(route, for_clients=guard is not None)
    return _logged(audit.watched(answer, routes, caller) if audit else answer)


def _logged(answer: Handler) -> Handler:
    """Give each request a name, and leave a line of it."""
    named = access.names()

    async def logged(request: web.BaseRequest) -> web.StreamResponse:
        began, name = time.perf_counter(), next(named)
        request[REQUEST_ID] = name
        response = await answer(request)
        if not response.prepared:
            response.headers[REQUEST_ID_HEADER] = name
        access.note(request.method, request.path, response.status, began, name)
        return response

    return logged


@asynccontextmanager
async def listening(answer: Handler, host: str, port: int, polls: Polls | None = None) -> AsyncIterator[int]:
    """Serve on a port (0: any free one, which is given) until left; then finish what is in flight."""
    stopping = asyncio.Event()

    async def answer_to_the_last(request: web.BaseRequest) -> web.StreamResponse:
        response = await answer(request)
        if stopping.is_set():
            response.force_close()
        return response

    server = (
        connection.Server(answer_to_the_last, handler_cancellation=True)
        if polls is None
        else polling.Server(answer_to_the_last, polls, handler_cancellation=True)
    )
    runner = web.ServerRunner(server, shutdown_timeout=DRAIN)
    await runner.setup()
    try:
        try:
            await _to_the_end(web.TCPSite(runner, host, port, reuse_address=True, backlog=BACKLOG).start())
        except OSError as error:
            raise CannotListen(host, port, _plain(error)) from error
        yield runner.addresses[0][1]
    finally:
        stopping.set()
        await asyncio.shield(runner.cleanup())


def _plain(error: OSError) -> str:
    """asyncio has the address in the error's text as well; from Python 3.13 on, no number where no address is ours."""
    if error.errno is None:
        return os.strerror(errno.EADDRNOTAVAIL)
    return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)


async def _to_the_end(start: Coroutine[Any, Any, None]) -> None:
    """Whoever is ended here waits for it: a socket that was opened by half is in no one's hands to be closed."""
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await starting
        raise
