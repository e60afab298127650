"""The one table that turns the code words of errors into answers.

Law: a client's change (anything but GET and HEAD) is never answered 502 or 503, nor 429 with `Retry-After`: known
clients take these for done after some tries.  What was surely not done is 500 with `"OutcomeUnknown": false`.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from jobindex.errors import JobIndexError, Refused, TooOften
from jobindex.web.answers import changes, empty, error

log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Row(NamedTuple):
    """A status, Orthanc's code, the seconds after which trying again may help (0: it won't), and whether a change that
    ends so may have been done."""

    status: int
    code: int
    retry: int = 0
    unknown_outcome: bool = False

    def of_change(self) -> tuple[int, dict[str, bool]]:
        """The status for a client's change, and what is said of its outcome."""
        unavailable = self.status in (502, 503)
        if self.unknown_outcome:
            return 504 if unavailable else self.status, {"OutcomeUnknown": True}
        return (500, {"OutcomeUnknown": False}) if unavailable else (self.status, {})


TABLE = {
    "internal": Row(500, -1, unknown_outcome=True),
    "bad_argument": Row(400, 3),
    "unknown_resource": Row(404, 17),
    "not_now": Row(409, 6),
    "malformed_report": Row(400, 8),
    "not_signed": Row(401, 8),
    "replayed": Row(401, 8),
    "out_of_reach": Row(403, 8),
    "unknown_node": Row(404, 7),
    "node_conflict": Row(409, 6),
    "index_away": Row(503, 42, retry=2, unknown_outcome=True),
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
    "owner": Row(503, 9, retry=2, unknown_outcome=True),
    "owner_gone": Row(503, 9, retry=2),
    "owner_down": Row(503, 9, retry=2),
    "owner_silent": Row(504, 16, unknown_outcome=True),
}


def with_errors(handler: Handler, *, for_clients: bool = False) -> Handler:
    """Turn errors into answers; what nobody foresaw is logged whole and answered without a trace."""

    async def answered(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as failure:
            if request.writer.output_size:
                raise  # a second answer must not stand in the body of the first: aiohttp cuts the connection
            if isinstance(failure, web.HTTPException):
                return error(request, failure.status, 8, failure.reason)
            return answer_for(request, _known(request, failure), for_clients=for_clients)

    return answered


def _known(request: web.BaseRequest, failure: Exception) -> JobIndexError:
    if isinstance(failure, JobIndexError):
        return failure
    log.error("%s %s failed", request.method, request.path, exc_info=failure)
    return JobIndexError()


def answer_for(request: web.BaseRequest, known: JobIndexError, *, for_clients: bool) -> web.Response:
    """The answer for an error of ours, to a client or to those who ask the internal listener."""
    if isinstance(known, Refused):
        return empty(known.status, {"WWW-Authenticate": known.challenge} if known.challenge else None)
    row = TABLE[known.word]
    if for_clients and changes(request):
        status, outcome = row.of_change()
        return error(request, status, row.code, _when(known), **outcome)
    retry = known.seconds if isinstance(known, TooOften) else row.retry
    return error(request, row.status, row.code, known.for_clients if for_clients else str(known), retry=retry)


def _when(known: JobIndexError) -> str:
    """What is said where no header may say when to try again."""
    return f"{known}; wait {known.seconds} s" if isinstance(known, TooOften) else known.for_clients
