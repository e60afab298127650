"""Removes jobs from the index for good, because an operator wants them out: they are not asked for anywhere.

Law: nobody brings them back, neither the Orthanc that has them still nor a replica that was not there.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from jobindex.model.mention import Mention
from jobindex.model.record import HELD, MISSED
from jobindex.service.reduction import reduced
from jobindex.service.timing import Timing
from jobindex.store import Store
from jobindex.store.jobs import CHUNK, Stored

Step = Callable[[int], None]
"""Told how many jobs more were looked at."""


class Purge:
    """Finds, drops, reduces; every method may raise IndexAway."""

    def __init__(self, store: Store, timing: Timing) -> None:
        self._store = store
        self._timing = timing

    async def named(self, ids: Sequence[str]) -> list[Stored]:
        """Those of these jobs that there are."""
        parts = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
        return [job for part in parts for job in (await self._store.jobs.fetch(part)).values()]

    async def of_node(self, node: str) -> list[Stored]:
        return await self.named(await self._store.jobs.of_node(node))

    async def of_study(self, study: str, step: Step) -> list[Stored]:
        """The jobs that speak of a study; BadArgument where that is none."""
        mention = Mention(study)
        return [job async for job in self._walk(step) if mention.stands_in(job.text)]

    async def too_full(self, step: Step) -> list[Stored]:
        """What would be kept of the jobs of which more is kept than nothing that speaks of patients."""
        return [less async for job in self._walk(step) if (less := reduced(job)) is not job]

    async def held(self, jobs: Sequence[Stored]) -> list[Stored]:
        """Those that a living Orthanc still has, as far as is known."""
        nodes = await self._store.nodes.everything()
        living = {node_id for node_id, node in nodes.items() if node.may_answer}
        return [job for job in jobs if job.record.mark in (HELD, MISSED) and job.record.node in living]

    async def drop(self, jobs: Sequence[Stored]) -> int:
        """How many were there to be dropped."""
        return await self._store.jobs.purge([job.id for job in jobs], round(self._timing.purged * 1000))

    async def reduce(self, jobs: Sequence[Stored]) -> int:
        """How many were written; the others have changed since."""
        return await self._store.jobs.reduce(jobs)

    async def _walk(self, step: Step) -> AsyncIterator[Stored]:
        """Every job, some perhaps twice: Redis promises no more of a walk."""
        seen: set[str] = set()
        async for chunk in self._store.jobs.everything():
            step(len(chunk))
            for job_id, job in chunk.items():
                if job_id not in seen:
                    seen.add(job_id)
                    yield job
