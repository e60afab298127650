"""Concludes that jobs are lost: their end can't be known any more, and who waits for it should stop."""

from collections.abc import Iterable, Sequence

from jobindex import metrics
from jobindex.model.job import as_lost
from jobindex.model.moment import moment
from jobindex.store import Store


class Losses:
    """Writes conclusions; if a job shows up again, Orthanc's word wins."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def conclude(self, lost: Sequence[tuple[str, str]], why: str) -> int:
        """Conclude from these ids and lines; a job with newer word since is left alone.  How many were lost."""
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

    async def conclude_unfinished(self, ids: Iterable[str], why: str) -> int:
        """Conclude for those of these jobs that have no end yet."""
        found = await self._store.jobs.fetch(list(ids))
        unfinished = [(job.id, job.record.line) for job in found.values() if not job.record.final]
        return await self.conclude(unfinished, why)
