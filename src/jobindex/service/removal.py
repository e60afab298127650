"""Removes a job: at its owner first, in the index when the owner says that it is gone there."""

from jobindex.auth.caller import Caller
from jobindex.errors import IndexAway, IndexNotTold
from jobindex.model.node import GONE, STOPPED, Node
from jobindex.orthanc.wire import Answer, error_body, job_path
from jobindex.service.relay import Relay
from jobindex.service.rights import Rights
from jobindex.service.timing import Timing
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.jobs import Stored


class Removal:
    """Answers `DELETE /jobs/{id}`."""

    def __init__(self, store: Store, view: View, relay: Relay, rights: Rights, timing: Timing) -> None:
        self._store = store
        self._view = view
        self._relay = relay
        self._rights = rights
        self._timing = timing

    async def remove(self, caller: Caller, job: Stored) -> Answer | None:
        """None when the job is gone, everywhere; else the owner's answer, or 404 where somebody else was faster.

        Refused, NobodyToAsk and the errors of owners as `Rights` and `Relay` say; nothing is dropped then.
        IndexNotTold where the owner has it no more, and it stays listed until somebody removes it again.
        """
        node = self._view.owner(job)
        if node is None or node.state in (GONE, STOPPED):
            await self._rights.may_instead(caller, job.record.node, "DELETE", job_path(job.id))
            return None if await self._drop(job) else _not_there(job.id)
        answer = await self._relay.send(caller, job.record.node, node, "DELETE", job_path(job.id))
        if answer.refuses:
            await self._rights.refuse(caller, job.record.node, answer)
        if answer.status != 200 and not await self._is_unknown(caller, job, node, answer):
            return answer
        try:
            was_there = await self._drop(job)
        except IndexAway as error:
            raise IndexNotTold("The job is gone, but not from the list: delete it again") from error
        return None if was_there or answer.status == 200 else _not_there(job.id)

    async def _drop(self, job: Stored) -> bool:
        """Whether the index had it until now."""
        return await self._store.jobs.drop([(job.id, "")], round(self._timing.tombstone * 1000)) > 0

    async def _is_unknown(self, caller: Caller, job: Stored, node: Node, answer: Answer) -> bool:
        """Whether the owner has not deleted the job because it does not know it.

        404 is Orthanc's answer for a job that is unknown and for one that isn't complete, 405 is that of
        releases before 1.12.2: only reading tells whether it is there.
        """
        if answer.status not in (404, 405):
            return False
        read = await self._relay.read_again(caller, job.record.node, node, job.id)
        return read is not None and read.status == 404


def _not_there(job_id: str) -> Answer:
    """Orthanc's own answer."""
    path = job_path(job_id)
    body = error_body(404, 7, f"No job found with this id: {job_id}", "DELETE", path)
    return Answer(404, {"Content-Type": "text/plain"}, body)
