"""How far the index is, compared with how far the view is."""

import time

from jobindex.deadline import Deadline
from jobindex.errors import IndexAway
from jobindex.service.coalesced import Coalesced
from jobindex.service.view import View
from jobindex.store.changes import Changes, Head

CATCH_UP = 0.25
"""Seconds that a request waits for the view at most."""
EXPECTS_S = 1.0
"""Seconds that a replica which was told of a submission goes by that alone: longer than it takes to tell the index."""
ANSWERS = 0.4
"""Seconds that Redis may take to say how far the index is."""


class Freshness:
    """Makes a reader see every write that was acknowledged, on any replica, before it asked."""

    def __init__(self, changes: Changes, view: View) -> None:
        self._changes = changes
        self._head = Coalesced(self._ask)
        self._view = view
        self._told_of_one = False
        self._expects_until = 0.0
        self._tellings = 0
        """How often the index was told of beginnings; an answer that was asked for before tells nothing of them."""

    @property
    def submitting(self) -> bool:
        """Whether a submission was under way, or had just ended, when the index was asked last, or one has begun since.

        The nodes may then have jobs that the index lacks.
        """
        return self._told_of_one or time.monotonic() < self._expects_until

    def expect_jobs(self) -> None:
        """A submission begins, and the index is about to be told of it."""
        self._expects_until = time.monotonic() + EXPECTS_S

    def ask_the_index(self) -> None:
        """The index knows of all submissions that began here, and will know of their ends."""
        self._told_of_one, self._expects_until = True, 0.0
        self._tellings += 1

    async def catch_up(self) -> bool:
        """Wait until the view shows all that the index held when this was called; False: it is stale.

        As it is where the index takes nothing new.
        """
        if not self._view.connected:
            return False
        shown = self._view.head
        try:
            head = await self._head.ask()
        except (IndexAway, TimeoutError):
            self._view.connected = False  # the next request need not find out again; the follower says when it is back
            return False
        reached = head is not None and not _fell_back(shown, head) and await self._view.reach(head, CATCH_UP)
        return reached and not self._view.full_index

    async def _ask(self) -> Head | None:
        """The deadline is the question's, not each request's; who waited behind one that failed asks no other."""
        if not self._view.connected:
            raise IndexAway("Redis was away a moment ago")
        tellings = self._tellings
        async with Deadline(ANSWERS):
            standing = await self._changes.standing()
        self._told_of_one = standing.submitting or tellings != self._tellings
        return standing.head


def _fell_back(shown: Head, head: Head) -> bool:
    """Whether Redis lacks what this view had from it: a new master, which nobody has yet written to."""
    return head.epoch == shown.epoch and head.version < shown.version
