"""The door through which nodes report: signed, on the internal listener."""

import logging
import time

from aiohttp import web

from jobindex import metrics
from jobindex.audit.nodes import NodeEvents
from jobindex.errors import (
    IndexAway,
    JobIndexError,
    MalformedReport,
    NodeConflict,
    NotSigned,
    OutOfReach,
    Replayed,
    UnknownNode,
)
from jobindex.model.node import NODE_ID
from jobindex.model.report import read_report
from jobindex.service.admission import Admission
from jobindex.service.intake import Intake
from jobindex.service.refused_reports import RefusedReports
from jobindex.web.answers import json_answer, object_answer
from jobindex.web.routes import Call

log = logging.getLogger(__name__)

LARGEST = 8 << 20
"""Bytes of a report."""

STATUS = {
    MalformedReport: 400,
    NotSigned: 401,
    Replayed: 401,
    OutOfReach: 403,
    UnknownNode: 409,
    NodeConflict: 409,
    IndexAway: 503,
}


class ReportsDoor:
    """`/nodes/{node}/report`."""

    def __init__(self, admission: Admission, intake: Intake, audit: NodeEvents, refused: RefusedReports) -> None:
        self._admission = admission
        self._intake = intake
        self._audit = audit
        self._refused = refused

    async def post(self, call: Call) -> web.StreamResponse:
        """POST /nodes/{node}/report"""
        try:
            answer = await self._take(call)
        except tuple(STATUS) as error:
            metrics.reports.labels(error.word).inc()
            self._note(_name(call.parts["node"]), call.request.remote or "", error)
            log.log(
                logging.WARNING if isinstance(error, (NotSigned, NodeConflict)) else logging.INFO,
                "report of %s not taken: %s",
                call.parts["node"],
                error,
            )
            return _refusal(error)
        self._refused.taken(call.parts["node"])
        metrics.reports.labels("taken").inc()
        return json_answer(answer)

    def _note(self, node_id: str, address: str, error: JobIndexError) -> None:
        self._audit.refused(node_id, address, error.word)
        if node_id:
            self._refused.note(node_id, error)

    async def _take(self, call: Call) -> bytes:
        request, node_id = call.request, call.parts["node"]
        if not NODE_ID.fullmatch(node_id):
            raise MalformedReport("Not the id of a node")
        body = await request.read()
        await self._admission.admit(f"/nodes/{node_id}/report", request.headers, body)
        report = read_report(body)
        told = await self._intake.take(node_id, report, request.remote or "")
        if report.register_as is not None:
            self._audit.came(node_id, request.remote or "")
        if report.goodbye:
            self._audit.left(node_id, request.remote or "")
        return told.model_dump_json(by_alias=True, exclude_none=True).encode()


def _status(error: JobIndexError) -> int:
    """That of the kind of error, or of the kind that it is one of."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _name(told: str) -> str:
    """What somebody gives as the id of a node, where it can be one."""
    return told if NODE_ID.fullmatch(told) else ""


def _refusal(error: JobIndexError) -> web.Response:
    """What the node needs to mend it: the time here, or that it has to register.  No clock mends a replay."""
    told: dict[str, object] = {"Message": str(error)}
    if isinstance(error, Replayed):
        told["Replayed"] = True
    elif isinstance(error, NotSigned):
        told["Time"] = round(time.time() * 1000)
    if isinstance(error, (UnknownNode, NodeConflict)):
        told["Register"] = isinstance(error, UnknownNode)
    return object_answer(told, status=_status(error))
