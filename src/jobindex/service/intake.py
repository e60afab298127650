"""The one way in: what plugins push, what visits read and what actions answer all go through here."""

from collections.abc import Callable, Iterable, Sequence
from sys import intern

from jobindex import metrics
from jobindex.errors import IndexAway, MalformedReport
from jobindex.model.cut import MAX_JOB_BYTES
from jobindex.model.edits import Edits, edits_of
from jobindex.model.job import ENDS, Job, as_ended, bare, id_of, read_job
from jobindex.model.moment import seconds_of
from jobindex.model.node import Node
from jobindex.model.record import FORGOTTEN, HELD, Record
from jobindex.model.report import Acknowledgement, Event, Report
from jobindex.service.freshness import Freshness
from jobindex.service.keeping import Keeping
from jobindex.service.losses import Losses
from jobindex.service.recent import Recent
from jobindex.service.roster import Roster
from jobindex.service.tokens import Tokens
from jobindex.service.turns import Stretches, in_turns
from jobindex.service.unreadable import Unreadable
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.jobs import Stored

MOST_WANTED = 2000
"""Ids that one answer asks for; the next complete report brings the rest."""


class Intake:
    """Takes reports in; `read` decides what is kept of a job, and without `tokens` one that a node gives is dropped.

    Law: a job that can't be read touches neither the others of its report, nor the report, nor its node.
    Everything here may raise IndexAway, and then the node keeps what it has and says it again.
    """

    def __init__(
        self,
        store: Store,
        view: View,
        roster: Roster,
        losses: Losses,
        freshness: Freshness,
        recent: Recent,
        tokens: Tokens | None = None,
        read: Callable[[bytes], Job] = read_job,
        max_job_bytes: int = MAX_JOB_BYTES,
    ) -> None:
        self._store = store
        self.view = view
        self._roster = roster
        self._losses = losses
        self._freshness = freshness
        self._recent = recent
        self._tokens = tokens
        self._read = read
        self._max_job_bytes = max_job_bytes
        self._unreadable = Unreadable()
        self._keeping = Keeping(view, max_job_bytes)

    async def take(self, node_id: str, report: Report, address: str, *, offset: int = 0) -> Acknowledgement:
        """Take a report in and say what the node should do next.

        UnknownNode where the incarnation is not registered, NodeConflict where the id is another's, OutOfReach where
        its address is none.
        """
        self._check()
        jobs = await self._all_read(node_id, report)
        if report.register_as is not None:
            await self._roster.register(node_id, report.incarnation, report.register_as, address)
        told = await self.take_jobs(node_id, report, jobs, offset=offset)
        most = self._max_job_bytes if report.register_as is not None else None
        return told.model_copy(update={"max_job_bytes": most})

    async def _all_read(self, node_id: str, report: Report) -> list[Job]:
        jobs, stretches = [], Stretches()
        for text in report.jobs:
            job = self.read(node_id, report.incarnation, text.encode())
            if job is not None:
                jobs.append(job)
            await stretches.rest()
        return jobs

    async def take_jobs(
        self, node_id: str, report: Report, jobs: Sequence[Job], *, offset: int = 0, patience: float = 0.0
    ) -> Acknowledgement:
        """The same for a node that is registered, and for its jobs that have been read already.

        `patience` is how many seconds more than others it may need until it is heard again.
        """
        self._check()
        words = [self._held(node_id, report, job) for job in jobs]
        words += [word for event in report.events for word in self._ended(node_id, report, event)]
        if not report.complete:
            refused, everything = await self._roster.hear(node_id, report, words, offset, patience)
            self._note(words, refused)
            await self._lacks_token(node_id, report)
            return Acknowledgement(everything=everything, refused=tuple(refused))
        refused = await self._put(node_id, report.incarnation, words)
        wanted = await self._reconcile(node_id, report, jobs)
        everything = await self._roster.heard(node_id, report, offset, patience)
        return Acknowledgement(
            register_again=await self._lacks_token(node_id, report),
            everything=everything,
            wanted=tuple(wanted),
            refused=tuple(refused),
        )

    def read(self, node_id: str, incarnation: str, text: bytes) -> Job | None:
        """What a node printed; None, and a line in the log, where it is no job."""
        try:
            return self._read(text)
        except MalformedReport as error:
            self._unreadable.note(node_id, incarnation, id_of(text), error)
            return None

    def _held(self, node_id: str, report: Report, job: Job) -> Stored:
        if cut := report.cut.get(job.id, ()):
            job = job._replace(cut=(*job.cut, *cut))
        return self._stored(node_id, report.incarnation, report.clock, job)

    def _stored(self, node_id: str, incarnation: str, clock: int, read: Job) -> Stored:
        # those in the view share the words that are not their own, as those that are read from Redis do
        job, edits = self._keeping.completed(read)
        record = Record(intern(node_id), intern(incarnation), clock, job.stamp, intern(job.state), HELD, edits.words)
        return Stored(job.id, job.text, record, job.progress, _ms(job.completed) if job.completed else 0)

    def _check(self) -> None:
        if not self.view.connected:
            raise IndexAway("Redis is away")

    def reading(self, node_id: str, node: Node, text: bytes, cut: Sequence[str] = ()) -> Stored:
        """A job that was read from its node just now, of which `cut` is not there; MalformedReport where it is none."""
        job = self._read(text)
        job = job._replace(cut=(*job.cut, *cut)) if cut else job
        return self._stored(node_id, node.incarnation, node.clock, job)

    def note_deletion(self, job_id: str) -> None:
        """An output of this job was deleted just now."""
        self._keeping.note_deletion(job_id)

    async def take_reading(self, word: Stored) -> None:
        """Take in what was read; IndexAway at once while Redis is known to be away."""
        self._check()
        self._note([word], await self._store.jobs.put_at_once(word))

    async def _lacks_token(self, node_id: str, report: Report) -> bool:
        """Keep or renew the node's token where there is need of one; True where it has to be given again."""
        if self._tokens is None:
            return False
        node = self.view.nodes.get(node_id)
        return await self._tokens.hear(node_id, report, shares=node is not None and node.shares)

    async def _put(self, node_id: str, incarnation: str, words: Sequence[Stored]) -> list[str]:
        refused = await self._store.jobs.put(node_id, incarnation, words) if words else []
        self._note(words, refused)
        return refused

    def _note(self, words: Sequence[Stored], refused: Sequence[str]) -> None:
        metrics.taken.inc(len(words) - len(refused))
        metrics.refused.inc(len(refused))
        self._recent.note(word for word in words if word.id not in refused)

    def _ended(self, node_id: str, report: Report, event: Event) -> Iterable[Stored]:
        """The word of an event whose job was forgotten before it could be read; it decides the state, no more."""
        known = self.view.jobs.get(event.id)
        state = ENDS.get(event.kind)
        if state is None:
            return
        text = as_ended(known.text if known else bare(event.id, event.time), state, event.time)
        edits = edits_of(known.record.rest) if known else Edits()
        record = Record(node_id, report.incarnation, report.clock, event.time, state, FORGOTTEN, edits.words)
        yield Stored(event.id, text, record, 100 if state == "Success" else 0, _ms(event.time))

    async def _reconcile(self, node_id: str, report: Report, jobs: Sequence[Job]) -> list[str]:
        """Hold a complete report against what is known: what it lacks, and what is not known of it."""
        await self._freshness.catch_up()
        ids = set(report.ids)
        absent = sorted(self.view.on_node(node_id) - ids)
        lost = await self._store.jobs.miss(node_id, report.incarnation, report.clock, report.taken, absent)
        if lost:
            await self._losses.conclude(lost, f"{node_id} no longer lists it and told no end")
        brought = {job.id for job in jobs}
        told = in_turns(ids - brought)
        return sorted([each async for each in told if self._is_wanted(node_id, report.incarnation, each)])[:MOST_WANTED]

    def _is_wanted(self, node_id: str, incarnation: str, job_id: str) -> bool:
        if job_id in self.view.on_node(node_id) and self.view.jobs[job_id].record.incarnation == incarnation:
            return False  # as nearly all are
        known = self._is_known(node_id, incarnation, job_id)
        return not known and not self._unreadable.has(node_id, incarnation, job_id)

    def _is_known(self, node_id: str, incarnation: str, job_id: str) -> bool:
        job = self.view.jobs.get(job_id)
        if job is None:
            return job_id in self.view.purged
        if job.record.node != node_id:
            owner = self.view.owner(job)
            return owner is not None and owner.alive
        return job.record.incarnation == incarnation and job.record.on_node


def _ms(stamp: str) -> int:
    return round(seconds_of(stamp) * 1000)
