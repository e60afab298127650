"""The one way in: what plugins push, what visits read and what actions answer all go through here."""

from collections.abc import Callable, Iterable, Sequence
from sys import intern

from jobindex import metrics
from jobindex.errors import IndexAway
from jobindex.model.job import ENDS, Job, as_ended, bare, read_job
from jobindex.model.moment import seconds_of
from jobindex.model.node import Node
from jobindex.model.record import FORGOTTEN, HELD, Record
from jobindex.model.report import Acknowledgement, Event, Report
from jobindex.service.freshness import Freshness
from jobindex.service.losses import Losses
from jobindex.service.recent import Recent
from jobindex.service.roster import Roster
from jobindex.service.tokens import Tokens
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.jobs import Stored

MOST_WANTED = 2000
"""Ids that one answer asks for; the next complete report brings the rest."""


class Intake:
    """Takes reports in; `read` decides what is kept of a job, and without `tokens` one that a node gives is dropped.

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
    ) -> None:
        self._store = store
        self._view = view
        self._roster = roster
        self._losses = losses
        self._freshness = freshness
        self._recent = recent
        self._tokens = tokens
        self._read = read

    async def take(self, node_id: str, report: Report, address: str, *, offset: int = 0) -> Acknowledgement:
        """Take a report in and say what the node should do next.

        MalformedReport where a job can't be read (nothing of the report is taken then), UnknownNode where
        the incarnation is not registered, NodeConflict where the id is another's, OutOfReach where its address is none.
        """
        if not self._view.connected:
            raise IndexAway("Redis is away")
        jobs = [self._read(text.encode()) for text in report.jobs]
        if report.register_as is not None:
            await self._roster.register(node_id, report.incarnation, report.register_as, address)
        words = [_held(node_id, report.incarnation, report.clock, job) for job in jobs]
        words += [word for event in report.events for word in self._ended(node_id, report, event)]
        if not report.complete:
            refused, everything = await self._roster.hear(node_id, report, words, offset)
            self._note(words, refused)
            await self._lacks_token(node_id, report)
            return Acknowledgement(everything=everything, refused=tuple(refused))
        refused = await self._put(node_id, report.incarnation, words)
        wanted = await self._reconcile(node_id, report, jobs)
        everything = await self._roster.heard(node_id, report, offset)
        return Acknowledgement(
            register_again=await self._lacks_token(node_id, report),
            everything=everything,
            wanted=tuple(wanted),
            refused=tuple(refused),
        )

    def reading(self, node_id: str, node: Node, text: bytes) -> Stored:
        """A job that was read from its node just now; MalformedReport where it is none."""
        return _held(node_id, node.incarnation, node.clock, self._read(text))

    async def take_reading(self, word: Stored) -> None:
        """Take in what was read; IndexAway at once while Redis is known to be away."""
        if not self._view.connected:
            raise IndexAway("Redis is away")
        self._note([word], await self._store.jobs.put_at_once(word))

    async def _lacks_token(self, node_id: str, report: Report) -> bool:
        """Keep or renew the node's token where there is need of one; True where it has to be given again."""
        if self._tokens is None:
            return False
        node = self._view.nodes.get(node_id)
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
        known = self._view.jobs.get(event.id)
        state = ENDS.get(event.kind)
        if state is None:
            return
        text = as_ended(known.text if known else bare(event.id, event.time), state, event.time)
        record = Record(node_id, report.incarnation, report.clock, event.time, state, FORGOTTEN)
        yield Stored(event.id, text, record, 100 if state == "Success" else 0, _ms(event.time))

    async def _reconcile(self, node_id: str, report: Report, jobs: Sequence[Job]) -> list[str]:
        """Hold a complete report against what is known: what it lacks, and what is not known of it."""
        await self._freshness.catch_up()
        ids = set(report.ids)
        absent = sorted(self._view.on_node(node_id) - ids)
        lost = await self._store.jobs.miss(node_id, report.incarnation, report.clock, report.taken, absent)
        if lost:
            await self._losses.conclude(lost, f"{node_id} no longer lists it and told no end")
        brought = {job.id for job in jobs}
        told, held, shown = ids - brought, self._view.on_node(node_id), self._view.jobs
        other = (each for each in told if each not in held or shown[each].record.incarnation != report.incarnation)
        unknown = (job_id for job_id in other if not self._is_known(node_id, report.incarnation, job_id))
        return sorted(unknown)[:MOST_WANTED]

    def _is_known(self, node_id: str, incarnation: str, job_id: str) -> bool:
        job = self._view.jobs.get(job_id)
        if job is None:
            return False
        if job.record.node != node_id:
            owner = self._view.owner(job)
            return owner is not None and owner.alive
        return job.record.incarnation == incarnation and job.record.on_node


def _held(node_id: str, incarnation: str, clock: int, job: Job) -> Stored:
    # those in the view share the words that are not their own, as those that are read from Redis do
    record = Record(intern(node_id), intern(incarnation), clock, job.stamp, intern(job.state), HELD)
    return Stored(job.id, job.text, record, job.progress, _ms(job.completed) if job.completed else 0)


def _ms(stamp: str) -> int:
    return round(seconds_of(stamp) * 1000)
