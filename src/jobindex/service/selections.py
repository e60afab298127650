"""Indexes of the view by filter: the sorted ids of the jobs that a list question admits, kept up from one to the next.

A page of a filtered list costs the same however many jobs there are: only the first question of its kind, or one that
comes after many changes, looks at all of them, and lets others have their turn meanwhile.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Container, Iterator
from itertools import islice
from typing import NamedTuple

from jobindex.model.query import Question
from jobindex.model.visibility import UNRECORDED, hides
from jobindex.service.shelves import FULL_SECTION, Shelves
from jobindex.service.view import View
from jobindex.store.jobs import Stored

MAX_SELECTIONS = 64
MAX_IDS = 4 << 20
"""Ids of all selections together, some 16 bytes each: 64 MB.  One that has more by itself is kept alone."""
MAX_PENDING = 4000
"""Changes after which a selection that nobody asks for is given up."""
AT_ONCE = 500
"""Changes that are taken in at once; it takes some 2 ms."""


class Filter(NamedTuple):
    """Of a question, what decides on each job by itself."""

    states: frozenset[str] | None
    hidden: tuple[str, ...]

    @classmethod
    def of(cls, question: Question) -> "Filter":
        return cls(question.states, question.hidden)

    def admits(self, job: Stored, nodes: Container[str]) -> bool:
        """`nodes` are those of which the index keeps a record."""
        if self.states is not None and job.record.state not in self.states:
            return False
        return not (self.hidden and hides(self.hidden, job.record.node, nodes))


class Selection:
    """The ids that a filter admits, as of the last time that it was brought up to date."""

    def __init__(self, view: View, of: Filter) -> None:
        self._view = view
        self._filter = of
        self._nodes = view.nodes
        self.shelves = Shelves()
        self.size = 0
        """Bytes of the jobs' texts."""
        self._changed: dict[str, int | None] = {}
        """Jobs that have changed since: the bytes that each counted for, None where it was not admitted."""

    def note(self, job_id: str, before: Stored | None) -> None:
        """This job is about to be shown otherwise."""
        if job_id not in self._changed:
            self._changed[job_id] = len(before.text) if before is not None and self._admits(before) else None
            if len(self._changed) > MAX_PENDING + len(self.shelves) // 50:
                self._view.unwatch(self)

    @property
    def pending(self) -> int:
        return len(self._changed)

    @property
    def is_over(self) -> bool:
        """Whether it can't be brought up to date any more."""
        return not self._view.watches(self) or self._hides_others()

    def fill(self) -> Iterator[None]:
        """Look at all jobs, in steps between which they may change."""
        self._view.watch(self)
        last, found = "", list[str]()
        while ids := self._view.shelves.following(last):
            found += (job_id for job_id in ids if self._takes(self._view.jobs[job_id]))
            last = ids[-1]
            if len(found) >= FULL_SECTION:
                self.shelves.extend(found[:FULL_SECTION])
                found = found[FULL_SECTION:]
            yield
            # what lies behind is looked at as it will be then
            self._changed = {job_id: held for job_id, held in self._changed.items() if job_id <= last}
        self.shelves.extend(found)

    def catch_up(self, most: int) -> None:
        """Take in so many changes."""
        self._nodes = self._view.nodes
        for job_id in list(islice(self._changed, most)):
            held = self._changed.pop(job_id)
            job = self._view.jobs.get(job_id)
            self.size -= held or 0
            if job is not None and self._takes(job):
                self.shelves.put(job_id)
            elif held is not None:
                self.shelves.drop(job_id)

    def _takes(self, job: Stored) -> bool:
        admitted = self._admits(job)
        self.size += len(job.text) if admitted else 0
        return admitted

    def _admits(self, job: Stored) -> bool:
        return self._filter.admits(job, self._nodes)

    def _hides_others(self) -> bool:
        """Whether other nodes are recorded than were, where the filter hides those that are not."""
        nodes = self._view.nodes
        return UNRECORDED in self._filter.hidden and nodes is not self._nodes and nodes.keys() != self._nodes.keys()


class Selections:
    """Those that were asked for last."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._kept: OrderedDict[Filter, Selection] = OrderedDict()
        self._filling: dict[Filter, asyncio.Task[None]] = {}

    def at_hand(self, question: Question) -> Selection | None:
        """The selection as it is now, where bringing it up to date is the work of a moment."""
        found = self._find(question)
        if found is None or found.pending > AT_ONCE:
            return None
        found.catch_up(AT_ONCE)
        return found

    def fill(self, question: Question) -> Iterator[None]:
        """Make it, or bring it up to date, in steps."""
        key = Filter.of(question)
        selection = self._find(question)
        if selection is None:
            selection = Selection(self._view, key)
            yield from selection.fill()
            self._keep(key, selection)
        while selection.pending > AT_ONCE:
            selection.catch_up(AT_ONCE)
            yield

    def _find(self, question: Question) -> Selection | None:
        key = Filter.of(question)
        found = self._kept.get(key)
        if found is None or found.is_over:
            return None
        self._kept.move_to_end(key)
        return found

    async def ready(self, question: Question) -> None:
        """The same, others having their turn between the steps; all who ask at the same time share the work."""
        key = Filter.of(question)
        if key not in self._filling:
            self._filling[key] = asyncio.create_task(self._fill(question), name="selection")
            self._filling[key].add_done_callback(lambda _: self._filling.pop(key))
        await asyncio.shield(self._filling[key])

    async def _fill(self, question: Question) -> None:
        for _ in self.fill(question):
            await asyncio.sleep(0)

    def _keep(self, key: Filter, selection: Selection) -> None:
        self._give_up(key)
        self._kept[key] = selection
        while len(self._kept) > 1 and self._are_too_many():
            self._give_up(next(iter(self._kept)))

    def _are_too_many(self) -> bool:
        ids = sum(len(each.shelves) for each in self._kept.values())
        return len(self._kept) > MAX_SELECTIONS or ids > MAX_IDS

    def _give_up(self, key: Filter) -> None:
        selection = self._kept.pop(key, None)
        if selection is not None:
            self._view.unwatch(selection)
