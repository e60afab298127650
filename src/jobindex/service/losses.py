"""Lost jobs: their end can't be known any more, and who waits for it should stop."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from jobindex import metrics
from jobindex.model.job import as_lost
from jobindex.model.moment import moment
from jobindex.store import Store
from jobindex.store.jobs import BATCH

Lines = Sequence[tuple[str, str]]
"""Ids of jobs, and the lines that they had."""


class Losses:
    """Writes conclusions, in pieces; if a job shows up again, Orthanc's word wins."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def conclude(self, lost: Lines, why: str) -> int:
        """Conclude from these ids and lines; a job with newer word since is left alone.  How many were lost."""
        pieces = [lost[start : start + BATCH] for start in range(0, len(lost), BATCH)]
        return sum([await self._conclude(piece, why) for piece in pieces])

    async def _conclude(self, lost: Lines, why: str) -> int:
        now = await self._store.changes.now()
        found = await self._store.jobs.fetch([job_id for job_id, _ in lost])
        conclusions = [
            (job_id, line, as_lost(found[job_id].text, found[job_id].record.stamp, moment(now / 1000), why))
            for job_id, line in lost
            if job_id in found
        ]
        count = await self._store.jobs.conclude(now, conclusions)
        metrics.lost.inc(count)
        return count

    async def unfinished(self, node_ids: Collection[str]) -> Mapping[str, Lines]:
        """By node: which of its jobs have no end yet.  One walk for all nodes, whatever the length of their history."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        async for job_id, record in self._store.jobs.unfinished():
            if record.node in node_ids and not record.final:
                found[record.node][job_id] = record.line
        return {node_id: list(lines.items()) for node_id, lines in found.items()}
