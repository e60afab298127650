"""What only this replica still knows, after Redis was emptied, restarted or failed over.

Law: stamps decide; what Redis has newer stays.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing

import orjson

from jobindex.errors import IndexAway
from jobindex.model.moment import seconds_of
from jobindex.model.node import Node
from jobindex.service.recent import Recent
from jobindex.service.snapshots import Snapshot
from jobindex.service.timing import Timing
from jobindex.service.turns import in_turns
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.jobs import BATCH, Stored

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Jobs are written back in so many rows, a call at a time: while Redis writes one's, the other's are made ready."""
PAUSES = (0.25, 0.5)
"""Seconds before each further try to write the same jobs."""


class Memory:
    """Writes back what the view shows, and what was put so lately that no view may have seen it; late after a beat."""

    def __init__(self, store: Store, view: View, recent: Recent, timing: Timing) -> None:
        self._store = store
        self._view = view
        self._recent = recent
        self._timing = timing

    async def write_back(self, found: Snapshot) -> bool:
        """Write what `found` lacks; False where it lacks nothing."""
        purged = self._view.purged.lacking(found.purged)
        missing = [job async for job in self._missing(found.jobs) if job.id not in self._view.purged]
        away = {node_id: node for node_id, node in self._view.nodes.items() if node_id not in found.nodes}
        if not (missing or away or purged):
            return False
        log.warning("the index was emptied or is another's: writing back %d jobs, %d nodes", len(missing), len(away))
        await self._store.jobs.purge(purged, round(self._timing.purged * 1000))
        await self._write(missing, away)
        return True

    async def _missing(self, found: Mapping[str, Stored]) -> AsyncIterator[Stored]:
        """What is known newer than it was found, or was not found."""
        words = {word.id: word for word in self._recent.words() if _is_newer(word, self._view.jobs.get(word.id))}
        async for job in in_turns(self._view.jobs.values()):
            known = words.pop(job.id, job)
            if _is_newer(known, found.get(job.id)):
                yield known
        for word in words.values():
            if _is_newer(word, found.get(word.id)):
                yield word

    async def _write(self, jobs: list[Stored], nodes: Mapping[str, Node]) -> None:
        """Nodes first, so that their jobs have an owner; each is late unless it reports in its usual time."""
        for node_id, node in nodes.items():
            await self._store.nodes.restore(node_id, node, round(self._timing.beat * 1000))
        parts = (jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH))
        with closing(parts):  # where one row fails the others end too
            await asyncio.gather(*(self._write_all(parts) for _ in range(AT_ONCE)))

    async def _write_all(self, parts: Iterator[list[Stored]]) -> None:
        for part in parts:
            await self._restore([Stored(job.id, job.text, job.record, completed=_completed(job)) for job in part])
            self._view.hear()  # all of them may take a minute, in which reports are to be taken

    async def _restore(self, jobs: list[Stored]) -> None:
        """Try again where Redis was late; else all would begin anew with the first job.  What it took it keeps."""
        for pause in PAUSES:
            try:
                await self._store.jobs.restore(jobs)
            except IndexAway:
                await asyncio.sleep(pause)
            else:
                return
        await self._store.jobs.restore(jobs)


def _is_newer(mine: Stored, theirs: Stored | None) -> bool:
    return theirs is None or mine.record.follows(theirs.record)


def _completed(job: Stored) -> int:
    """When a finished job ended, ms; 0 for the others."""
    text = orjson.loads(job.text).get("CompletionTime")
    return round(seconds_of(text) * 1000) if text else 0
