"""Submission notices at the public listener: the word of a trusted proxy itself, never of anybody whom it lets through.

Laws: a notice reads nothing, asks no Orthanc, carries no credentials, and is no request of a client: it stands in
neither the access log nor the audit trail.  Its whole effect is that lists ask the nodes first, as
`JOBINDEX_ALWAYS_REFRESH` does.
"""

import logging
import re
from collections.abc import Callable

from aiohttp import web

from jobindex import metrics
from jobindex.errors import IndexAway, TooOften
from jobindex.service.submissions import Submissions
from jobindex.store.submissions import DENIED
from jobindex.web.answers import empty
from jobindex.web.errors import Handler

log = logging.getLogger(__name__)

NOTICE = re.compile(r"/job-index/submissions/([0-9a-f]{32})/(began|ended)(?:(?<=ended)/([0-9]{3}))?")
"""A request by the name that nginx gave it (`$request_id`); behind its end the status of the answer (`$status`)."""
DENIALS = ("401", "403")
"""By these an Orthanc says that it did nothing; other errors may be those of a job that was waited for."""
FORWARDING_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
"""What a proxy adds to requests of its clients, and leaves out of its own."""
MAX_WARNED = 100


def noticing(answer: Handler, submissions: Submissions, believes: Callable[[str], bool]) -> Handler:
    """Take notices, and answer everything else as before; `believes` tells whether an address is a trusted proxy's."""
    warned: set[str] = set()

    async def notice(request: web.BaseRequest) -> web.StreamResponse:
        found = NOTICE.fullmatch(request.raw_path) if request.method == "POST" else None
        if found is None or any(name in request.headers for name in FORWARDING_HEADERS):
            return await answer(request)
        if not believes(request.remote or ""):
            _warn(request.remote or "", warned)
            return empty(403)
        return await _note(submissions, *found.groups())

    return notice


async def _note(submissions: Submissions, request_id: str, event: str, status: str | None) -> web.StreamResponse:
    try:
        await submissions.note(request_id, DENIED if status in DENIALS else event)
    except IndexAway:
        return empty(503)
    except TooOften:
        return empty(429)
    metrics.submissions.labels(event).inc()
    return empty(204)


def _warn(peer: str, warned: set[str]) -> None:
    """Once for each peer."""
    metrics.submissions.labels("refused").inc()
    if peer not in warned and len(warned) < MAX_WARNED:
        warned.add(peer)
        log.warning(
            "%s tells of submissions, but is no proxy of JOBINDEX_PROXIES: a list that is asked for right after a "
            "submission may lack its job",
            peer,
        )
