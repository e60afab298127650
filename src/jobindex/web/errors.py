"""The one table that turns the code words of errors into answers."""

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from jobindex.errors import JobIndexError, Refused, TooOften
from jobindex.web.answers import empty, error

log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Row(NamedTuple):
    """A status, Orthanc's code, and the seconds after which trying again may help (0: it won't)."""

    status: int
    code: int
    retry: int = 0
    unknown_outcome: bool = False


TABLE = {
    "internal": Row(500, -1),
    "bad_argument": Row(400, 3),
    "unknown_resource": Row(404, 17),
    "not_now": Row(409, 6),
    "malformed_report": Row(400, 8),
    "not_signed": Row(401, 8),
    "replayed": Row(401, 8),
    "out_of_reach": Row(403, 8),
    "unknown_node": Row(404, 7),
    "node_conflict": Row(409, 6),
    "index_away": Row(503, 42, retry=2),
    "index_not_told": Row(504, 42, unknown_outcome=True),
    "not_recorded": Row(503, 42, retry=2),
    "not_ready": Row(503, 42, retry=2),
    "refused": Row(403, 8),
    "foreign_site": Row(403, 8),
    "too_often": Row(429, 9),
    "not_introduced": Row(403, 8),
    "read_only": Row(403, 22),
    "nobody_to_ask": Row(503, 9, retry=2),
    "not_everybody_answered": Row(503, 9, retry=2),
    "owner": Row(503, 9, retry=2),
    "owner_gone": Row(503, 9, retry=2),
    "owner_down": Row(503, 9, retry=2),
    "owner_silent": Row(504, 16, unknown_outcome=True),
}


def with_errors(handler: Handler) -> Handler:
    """Turn errors into answers; what nobody foresaw is logged whole and answered without a trace."""

    async def answered(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as failure:
            if request.writer.output_size:
                raise  # a second answer must not stand in the body of the first: aiohttp cuts the connection
            return _answer(request, failure)

    return answered


def _answer(request: web.BaseRequest, failure: Exception) -> web.StreamResponse:
    if isinstance(failure, JobIndexError):
        return answer_for(request, failure)
    if isinstance(failure, web.HTTPException):
        return error(request, failure.status, 8, failure.reason)
    log.error("%s %s failed", request.method, request.path, exc_info=failure)
    return error(request, 500, -1)


def answer_for(request: web.BaseRequest, known: JobIndexError) -> web.Response:
    """The answer for an error of ours."""
    if isinstance(known, Refused):
        return empty(known.status, {"WWW-Authenticate": known.challenge} if known.challenge else None)
    row = TABLE[known.word]
    more = {"OutcomeUnknown": True} if row.unknown_outcome and request.method not in ("GET", "HEAD") else {}
    retry = known.seconds if isinstance(known, TooOften) else row.retry
    return error(request, row.status, row.code, str(known), retry=retry, **more)
