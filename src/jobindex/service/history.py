"""How long what Orthanc has forgotten is remembered: finished jobs for days, failures longer, a number at most."""

from collections.abc import Mapping

from jobindex.model.node import GONE, STOPPED, Node
from jobindex.model.record import Record
from jobindex.service.timing import Timing
from jobindex.store import Store

AT_ONCE = 1000
MOST = 50_000
"""Jobs in one look, half a second's work; the next goes on from there.  Most of a million may be held, and are kept."""
EVERY = 60.0
"""Seconds between two looks, by whichever replica claims it."""
LEASE = 30_000
"""Milliseconds after which another replica may think that this one died of it."""


class History:
    """Reaps only what no living Orthanc holds."""

    def __init__(self, store: Store, timing: Timing) -> None:
        self._store = store
        self._timing = timing
        self._offset = 0
        """Where in the order of their ends the next look begins."""

    async def reap_due(self) -> bool:
        """Reap what is over, when that is due; there is never more at once."""
        await self._store.reap.add("history")
        for claim in await self._store.reap.claim(1, LEASE):
            await self._reap()
            await self._store.reap.put(claim, round(EVERY * 1000))
        return False

    async def _reap(self) -> None:
        now = await self._store.changes.now()
        over = await self._over(now, _living(await self._store.nodes.everything()))
        nodes = await self._store.nodes.everything()
        living = _living(nodes)  # whoever came meanwhile holds what it brought
        await self._store.jobs.drop([(job_id, record.line) for job_id, record in over if not _is_held(record, living)])
        await self._store.jobs.forget_tombstones(now)
        for node_id, node in nodes.items():
            if node.state in (GONE, STOPPED):
                await self._store.nodes.forget(node_id)

    async def _over(self, now: int, living: set[str]) -> list[tuple[str, Record]]:
        """The jobs to drop: those past their time, and the oldest of what is too many."""
        surplus = await self._store.jobs.count_finished() - self._timing.most_history
        over: list[tuple[str, Record]] = []
        for offset in range(self._offset, self._offset + MOST, AT_ONCE):
            page = await self._store.jobs.finished(offset, AT_ONCE)
            records = await self._store.jobs.records([job_id for job_id, _ in page])
            for job_id, ended in page:
                record = records.get(job_id)
                too_many = len(over) < surplus
                if record and not _is_held(record, living) and (too_many or self._is_past(record, now - ended)):
                    over.append((job_id, record))
            if not page or (now - page[-1][1] < self._timing.history * 1000 and len(over) >= surplus):
                self._offset = 0
                return over
        self._offset += MOST - len(over)  # what is dropped has no place in the order any more
        return over

    def _is_past(self, record: Record, age: float) -> bool:
        kept = self._timing.failures if record.state == "Failure" else self._timing.history
        return age > kept * 1000


def _living(nodes: Mapping[str, Node]) -> set[str]:
    return {node_id for node_id, node in nodes.items() if node.may_answer}


def _is_held(record: Record, living: set[str]) -> bool:
    return record.on_node and record.node in living
