"""What each request of a client leaves in the audit trail.

Law: what changes a job, or takes its output away, is recorded as asked before anything is sent, and as answered
once, whatever came of it; who hangs up doesn't stop it.  Reads are counted.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from jobindex.audit.events import EXPORT, READ, REFUSED, change
from jobindex.audit.record import SERIOUS, Event, Record, outcome_of
from jobindex.audit.repeats import Repeats
from jobindex.audit.trail import Trail
from jobindex.auth.caller import Caller
from jobindex.errors import NotRecorded
from jobindex.model.job import is_job_id
from jobindex.model.node import NODE_ID
from jobindex.web.answers import REQUEST_ID
from jobindex.web.errors import Handler, answer_for
from jobindex.web.routes import Routes

READ_AS: web.RequestKey[Record] = web.RequestKey("read_as", Record)
"""The record of a request that only read, where there is one: its like leaves the same."""

ENDS_WITHIN = 8.0
"""Seconds that what callers have left may still take when the replica stops: the budget of an action and a little."""


class Audit:
    """Watches requests; `node_of` names the owner of a job, "" where it is unknown."""

    def __init__(
        self, trail: Trail, repeats: Repeats, node_of: Callable[[str], str], *, reads: bool, required: bool
    ) -> None:
        self._trail = trail
        self._repeats = repeats
        self._node_of = node_of
        self._reads = reads
        self._required = required
        self._changes: set[asyncio.Task[web.StreamResponse]] = set()

    def watched(self, answer: Handler, routes: Routes, caller_of: Callable[[web.BaseRequest], Caller]) -> Handler:
        """Answer as before, and record it."""

        async def watch(request: web.BaseRequest) -> web.StreamResponse:
            place = routes.place(request)
            event = _event(request.method, place.path)
            caller = caller_of(request)
            if event is READ:
                response = await answer(request)
                self._read(request, caller, place.parts, response.status)
                return response
            record = self._record(event, caller, place.parts, request=request.get(REQUEST_ID, ""))
            if event is EXPORT:
                return await self._follow(record, answer, request)
            return await self._see_through(self._follow(record, answer, request))

        return watch

    async def end(self) -> None:
        """Wait for what goes on although its caller has left."""
        if self._changes:
            await asyncio.wait(self._changes, timeout=ENDS_WITHIN)

    def _record(self, event: Event, caller: Caller, parts: Mapping[str, str], **more: Any) -> Record:
        job, node = parts.get("id", ""), parts.get("node", "")
        job = job if is_job_id(job) else ""
        return Record(
            event,
            user=caller.name or f"~{caller.fingerprint[:16]}",
            address=caller.address,
            job=job,
            node=(node if NODE_ID.fullmatch(node) else "") or (self._node_of(job) if job else ""),
            **more,
        )

    def _read(self, request: web.BaseRequest, caller: Caller, parts: Mapping[str, str], status: int) -> None:
        """A refusal is recorded as what it is, also where reads are not recorded."""
        event = REFUSED.get(status, READ)
        if self._reads or event is not READ:
            kind = self._record(event, caller, parts, status=status, outcome=outcome_of(status))
            self._repeats.note(kind, request.get(REQUEST_ID, ""))
            request[READ_AS] = kind

    async def _see_through(self, change: "Coroutine[None, None, web.StreamResponse]") -> web.StreamResponse:
        """A caller that hangs up cancels its waiting, not what it asked for."""
        task = asyncio.create_task(change, name="audited change")
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def _follow(self, record: Record, answer: Handler, request: web.BaseRequest) -> web.StreamResponse:
        status, outcome = 0, SERIOUS
        try:
            asked = await self._trail.written(replace(record, phase="asked", outcome=None))
            response = await answer(request) if asked or not self._required else _refusal(request)
            status = response.status
            broken = record.event is EXPORT and (request.transport is None or request.transport.is_closing())
            outcome = SERIOUS if broken else outcome_of(status)
            return response
        finally:
            node = record.node or (self._node_of(record.job) if record.job else "")
            self._trail.note(replace(record, phase="answered", node=node, status=status, outcome=outcome))


def _refusal(request: web.BaseRequest) -> web.StreamResponse:
    error = NotRecorded("The audit trail can't be written, and nothing is done without it")
    return answer_for(request, error, for_clients=True)


def _event(method: str, path: str) -> Event:
    """What a request is; a path that leads nowhere is only read at."""
    if not path or method in ("GET", "HEAD"):
        return EXPORT if path == "/jobs/{id}/{key}" else READ
    return change(method, path)
