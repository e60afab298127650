"""How long what Orthanc has forgotten is remembered: finished jobs for days, failures longer, a number at most."""

from jobindex.model.node import GONE, STOPPED
from jobindex.service.timing import Timing
from jobindex.store import Store
from jobindex.store.jobs import Stored

AT_ONCE = 1000
EVERY = 60.0
"""Seconds between two looks, by whichever replica claims it."""
LEASE = 30_000
"""Milliseconds after which another replica may think that this one died of it."""


class History:
    """Reaps only what no living Orthanc holds."""

    def __init__(self, store: Store, timing: Timing) -> None:
        self._store = store
        self._timing = timing

    async def reap_due(self) -> bool:
        """Reap what is over, when that is due; there is never more at once."""
        await self._store.reap.add("history")
        for claim in await self._store.reap.claim(1, LEASE):
            await self._reap()
            await self._store.reap.put(claim, round(EVERY * 1000))
        return False

    async def _reap(self) -> None:
        now = await self._store.changes.now()
        nodes = await self._store.nodes.everything()
        living = {node_id for node_id, node in nodes.items() if node.may_answer}
        await self._store.jobs.drop(await self._over(now, living))
        await self._store.jobs.forget_tombstones(now)
        for node_id, node in nodes.items():
            if node.state in (GONE, STOPPED):
                await self._store.nodes.forget(node_id)

    async def _over(self, now: int, living: set[str]) -> list[tuple[str, str]]:
        """The ids and lines of the jobs to drop: those past their time, and the oldest of what is too many."""
        surplus = await self._store.jobs.count_finished() - self._timing.most_history
        over: list[tuple[str, str]] = []
        offset = 0
        while page := await self._store.jobs.finished(offset, AT_ONCE):
            found = await self._store.jobs.fetch([job_id for job_id, _ in page])
            for job_id, ended in page:
                job = found.get(job_id)
                if job and not _is_held(job, living) and (len(over) < surplus or self._is_past(job, now - ended)):
                    over.append((job_id, job.record.line))
            if now - page[-1][1] < self._timing.history * 1000 and len(over) >= surplus:
                break
            offset += AT_ONCE
        return over

    def _is_past(self, job: Stored, age: float) -> bool:
        kept = self._timing.failures if job.record.state == "Failure" else self._timing.history
        return age > kept * 1000


def _is_held(job: Stored, living: set[str]) -> bool:
    return job.record.on_node and job.record.node in living
