"""Submissions in Redis: that one is under way, or has just ended, is known to every replica."""

from collections.abc import Sequence

from jobindex.store.connect import translated
from jobindex.store.scripts import Scripts

BEGAN, ENDED, DENIED = "began", "ended", "denied"
"""DENIED is the end of one that its Orthanc refused, and so brings no job."""
MAX_KEPT = 5000
"""Some 0.5 MB.  What begins beyond that is not kept: lists ask the nodes first in any case then."""
COUNTS_MS = 60_000
"""How long a submission is under way whose end is not told: who waits for longer lists after its end, or its report."""
LINGERS_MS = 1000
"""How long one counts that has ended: longer than a plugin takes to report the job."""


class Submissions:
    """Notes them; may raise IndexAway."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def note(self, notices: Sequence[tuple[str, str]]) -> None:
        """Names of requests, each with BEGAN, ENDED or DENIED; an end counts in whatever order the two arrive."""
        with translated():
            told = (word for notice in notices for word in notice)
            await self._scripts.run("submissions_note", MAX_KEPT, COUNTS_MS, LINGERS_MS, *told)
