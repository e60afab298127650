"""How long what Orthanc has forgotten is remembered: finished jobs for days, failures longer, a number at most.

Law: only what no living Orthanc holds is reaped, and only that is counted.
"""

from collections.abc import Mapping

from jobindex.model.node import GONE, STOPPED, Node
from jobindex.model.record import Record
from jobindex.service.timing import Timing
from jobindex.service.turns import in_turns
from jobindex.service.view import View
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

    def __init__(self, store: Store, view: View, timing: Timing) -> None:
        self._store = store
        self._view = view
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
        surplus = await self._surplus(living)
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

    async def _surplus(self, living: set[str]) -> int:
        """How many more finished jobs there are than are kept, those aside that a living Orthanc holds.

        A view that has not seen the whole index can't tell those, and then there are none too many.
        """
        if not (self._view.full.is_set() and self._view.connected):
            return 0
        held = [job_id async for job_id in in_turns(self._held_by(living)) if self._is_final(job_id)]
        return await self._store.jobs.count_finished() - len(held) - self._timing.most_history

    def _held_by(self, node_ids: set[str]) -> list[str]:
        return [job_id for node_id in node_ids for job_id in self._view.on_node(node_id)]

    def _is_final(self, job_id: str) -> bool:
        job = self._view.jobs.get(job_id)
        return job is not None and job.record.final

    def _is_past(self, record: Record, age: float) -> bool:
        kept = self._timing.failures if record.state == "Failure" else self._timing.history
        return age > kept * 1000


def _living(nodes: Mapping[str, Node]) -> set[str]:
    return {node_id for node_id, node in nodes.items() if node.may_answer}


def _is_held(record: Record, living: set[str]) -> bool:
    return record.on_node and record.node in living
