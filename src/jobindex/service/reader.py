"""Reads one job: its owner is asked as the caller, and what was known last is the answer when it can't be."""

from jobindex.auth.caller import Caller
from jobindex.errors import MalformedReport, OwnerError
from jobindex.model.edits import edits_of
from jobindex.model.node import Node
from jobindex.orthanc.wire import Answer, job_path
from jobindex.service.freshness import Freshness
from jobindex.service.relay import Relay
from jobindex.service.rights import NO_JOB, Rights
from jobindex.service.search import Search
from jobindex.service.view import View
from jobindex.store.jobs import Stored

FINDS_OUT = 0.15
"""Seconds that the end of a job which its owner has just forgotten may need to get here."""


class Reader:
    """Answers `GET /jobs/{id}`."""

    def __init__(
        self,
        view: View,
        freshness: Freshness,
        relay: Relay,
        rights: Rights,
        search: Search,
        *,
        gives_whole: bool = True,
    ) -> None:
        self._view = view
        self._freshness = freshness
        self._relay = relay
        self._rights = rights
        self._search = search
        self._gives_whole = gives_whole

    async def read(self, caller: Caller, job_id: str) -> Stored | None:
        """The job as its owner has it, else as it was known last; None when there is none, or it was just deleted.

        One that is kept cut is as it is known: its owner is asked by whoever wants it whole (`WholeJobs`).
        Refused, NobodyToAsk and NotEverybodyAnswered as `Rights` and `Search` say.
        """
        job = await self._search.find(caller, job_id)
        if job is None:
            await self._rights.may(caller, "GET", job_path(NO_JOB))
            return None
        if self._gives_whole and is_cut(job):
            return job
        return await self.told(caller, job, await self._ask_owner(caller, job, self._view.owner(job)))

    async def told(self, caller: Caller, job: Stored, answer: Answer | None) -> Stored | None:
        """What is to be shown of a known job after its owner's answer, or after none."""
        if answer is None or not (answer.allows or answer.refuses):
            await self._rights.may_instead(caller, job.record.node, "GET", job_path(job.id))
            return self._view.jobs.get(job.id, job)
        if answer.refuses:
            await self._rights.refuse(caller, job.record.node, answer)
        return await self._newest(job, answer)

    async def _ask_owner(self, caller: Caller, job: Stored, node: Node | None) -> Answer | None:
        if node is None or not node.may_answer:
            return None
        try:
            return await self._relay.read(caller, job.record.node, node, job.id)
        except OwnerError:
            return None

    async def _newest(self, job: Stored, answer: Answer) -> Stored | None:
        """What the owner says, taken in where it is news to the list; else the last known.

        An owner that has it no more has forgotten it, or somebody has deleted it: then the index has dropped it.
        """
        known = self._view.jobs.get(job.id, job)
        if answer.status == 200:
            return await self._shown(known, answer)
        await self._freshness.catch_up()
        if not known.record.final:
            await self._view.wait_until_final(job.id, FINDS_OUT)
        dropped = self._view.dropped.owner(job.id) is not None
        return self._view.jobs.get(job.id, None if dropped else known)

    async def _shown(self, known: Stored, answer: Answer) -> Stored:
        node = self._view.owner(known)
        if node is None:
            return known
        try:
            read = self._relay.intake.reading(known.record.node, node, answer.body)
        except MalformedReport:
            return known
        if read.id != known.id:
            return known
        if read.record.state == known.record.state and known.record.on_node:
            return read
        return await self._relay.take_in(known.record.node, node, known.id, answer) or known


def is_cut(job: Stored) -> bool:
    """Whether its owner has more of it than is kept."""
    return "=" in job.record.rest and bool(edits_of(job.record.rest).cut)
