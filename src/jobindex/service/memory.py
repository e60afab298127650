"""What only this replica still knows, after Redis was emptied, restarted or failed over.

Law: stamps decide; what Redis has newer stays.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

import orjson

from jobindex.model.moment import seconds_of
from jobindex.model.node import Node
from jobindex.service.recent import Recent
from jobindex.service.snapshots import Snapshot
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.jobs import CHUNK, Stored

log = logging.getLogger(__name__)

MANY = 5000
"""Jobs that are compared in one go: some 5 ms."""
AT_ONCE = 2
"""Jobs are written back in so many rows: while Redis writes those of one, the others' are made ready."""


class Memory:
    """Writes back what the view shows, and what was put so lately that no view may have seen it; late after `beat`."""

    def __init__(self, store: Store, view: View, recent: Recent, beat: float) -> None:
        self._store = store
        self._view = view
        self._recent = recent
        self._beat = beat

    async def write_back(self, found: Snapshot) -> bool:
        """Write what `found` lacks; False where it lacks nothing."""
        missing = await self._missing(found.jobs)
        away = {node_id: node for node_id, node in self._view.nodes.items() if node_id not in found.nodes}
        if not (missing or away):
            return False
        log.warning("the index was emptied or is another's: writing back %d jobs, %d nodes", len(missing), len(away))
        await self._write(missing, away)
        return True

    async def _missing(self, jobs: Mapping[str, Stored]) -> list[Stored]:
        known = dict(self._view.jobs)
        for word in self._recent.words():
            if _is_newer(word, known.get(word.id)):
                known[word.id] = word
        missing: list[Stored] = []
        for number, (job_id, job) in enumerate(known.items()):
            if _is_newer(job, jobs.get(job_id)):
                missing.append(job)
            if number % MANY == 0:
                await asyncio.sleep(0)  # readers are answered meanwhile
        return missing

    async def _write(self, jobs: list[Stored], nodes: Mapping[str, Node]) -> None:
        """Nodes first, so that their jobs have an owner; each is late unless it reports in its usual time."""
        for node_id, node in nodes.items():
            await self._store.nodes.restore(node_id, node, round(self._beat * 1000))
        parts = (jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK))
        with closing(parts):  # where one row fails the others end too
            await asyncio.gather(*(self._write_all(parts) for _ in range(AT_ONCE)))

    async def _write_all(self, parts: Iterator[list[Stored]]) -> None:
        for part in parts:
            await self._store.jobs.restore([replace(job, completed=_completed(job)) for job in part])


def _is_newer(mine: Stored, theirs: Stored | None) -> bool:
    return theirs is None or mine.record.follows(theirs.record)


def _completed(job: Stored) -> int:
    """When a finished job ended, ms; 0 for the others."""
    text = orjson.loads(job.text).get("CompletionTime")
    return round(seconds_of(text) * 1000) if text else 0
