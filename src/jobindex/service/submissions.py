"""Submission notices: nginx tells when a request that may create a job begins, and when it has ended.

Law: a list that is asked for while one is under way (the first minute of it), or within a second of its end, asks the
nodes first (`freshness.submitting`), on whichever replica.  One that an Orthanc refused has no such second.
"""

from jobindex.errors import TooOften
from jobindex.service.coalesced import Coalesced
from jobindex.service.freshness import Freshness
from jobindex.store import Store
from jobindex.store.submissions import BEGAN

MAX_WAITING = 1000
"""Notices that wait for Redis; those beyond are refused, and a list may then be as late as its reports."""


class Submissions:
    """Passes notices on to Redis; those that come together share a call.

    nginx tells two replicas of a beginning: each knows it for its own lists at once, however long Redis takes.
    """

    def __init__(self, store: Store, freshness: Freshness) -> None:
        self._store = store
        self._freshness = freshness
        self._untold = 0
        """Beginnings of which the index was not told yet."""
        self._waiting: list[tuple[str, str]] = []
        self._noting = Coalesced(self._note)

    async def note(self, request_id: str, event: str) -> None:
        """BEGAN, ENDED or DENIED, known to all replicas when this returns; IndexAway or TooOften where it can't be."""
        if event != BEGAN:
            await self._tell(request_id, event)
            return
        self._freshness.expect_jobs()
        self._untold += 1
        try:
            await self._tell(request_id, event)
        finally:
            self._untold -= 1
        if not self._untold:
            self._freshness.ask_the_index()

    async def _tell(self, request_id: str, event: str) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise TooOften("Too many submissions at once", 1)
        self._waiting.append((request_id, event))
        await self._noting.ask()

    async def _note(self) -> None:
        notices, self._waiting = self._waiting, []
        if notices:
            await self._store.submissions.note(notices)
