"""Snapshot read: the jobs as the view shows them at one moment, read in stretches while it moves on.

What changes ahead of the reader is kept as it was, within a bound in bytes: who reads too slowly for that is cut off.
"""

from collections.abc import Iterator
from itertools import accumulate
from types import TracebackType

from jobindex.service.view import View
from jobindex.store.jobs import Stored

MAX_KEPT_BYTES = 32 << 20
"""Of texts that have changed since, for one reader."""
STRETCH_BYTES = 1 << 20
"""Of the texts of one stretch."""


class TooSlow(ConnectionError):
    """The index has changed more than is kept for one reader."""


class SnapshotRead:
    """Of all jobs; the moment is that of entering."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._before: dict[str, Stored | None] = {}
        """Jobs behind the place that was reached, as they were; None for those that were not there."""
        self._reached = ""
        self._kept = 0

    def __enter__(self) -> "SnapshotRead":
        self._view.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._view.unwatch(self)

    def note(self, job_id: str, before: Stored | None) -> None:
        """This job is about to be shown otherwise."""
        if job_id > self._reached and job_id not in self._before:
            self._before[job_id] = before
            self._kept += _cost(before)
            if self._kept > MAX_KEPT_BYTES:
                self._view.unwatch(self)

    def stretches(self) -> Iterator[list[Stored]]:
        """The jobs in order, the view may move between two stretches; TooSlow where it has moved too far."""
        while ids := self._view.shelves.following(self._reached):
            self._check()
            ids = self._few(ids)
            yield self._as_it_was(ids, ids[-1])
        self._check()
        yield self._as_it_was([], max(self._before, default=self._reached))

    def _few(self, ids: list[str]) -> list[str]:
        """Those at the beginning whose texts are not too many bytes: a reader holds what is in its stretch."""
        sizes = accumulate(len(self._view.jobs[job_id].text) for job_id in ids)
        count = next((number for number, size in enumerate(sizes, 1) if size >= STRETCH_BYTES), len(ids))
        return ids[:count]

    def _as_it_was(self, ids: list[str], end: str) -> list[Stored]:
        self._reached = end
        before = {job_id: self._before.pop(job_id) for job_id in [each for each in self._before if each <= end]}
        self._kept -= sum(map(_cost, before.values()))
        if not before:
            return [self._view.jobs[job_id] for job_id in ids]
        every = sorted({*ids, *before})
        found = (before[job_id] if job_id in before else self._view.jobs[job_id] for job_id in every)
        return [job for job in found if job is not None]

    def _check(self) -> None:
        if not self._view.watches(self):
            raise TooSlow("the list changes faster than it is read")


def _cost(job: Stored | None) -> int:
    return 200 + (len(job.text) if job else 0)
