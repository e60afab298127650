"""Poll reader: all that a polled node has to say, in one expanded list, or in ids and single reads where that fails.

Law: a job that can't be read keeps its last body and stays among the ids; it touches neither the others nor its node.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

from jobindex.errors import MalformedReport, OwnerError, OwnerSilent, OwnerUnreachable
from jobindex.model.job import Job
from jobindex.model.job_list import Listed, at_a_glance, listed_ids, listed_jobs
from jobindex.model.moment import moment, seconds_of
from jobindex.model.node import Node
from jobindex.orthanc.client import Client
from jobindex.orthanc.credentials import Credentials
from jobindex.orthanc.wire import Answer, job_path
from jobindex.service.intake import Intake
from jobindex.service.poll_cache import PollCache
from jobindex.service.poll_timeouts import MAX_TIMEOUT_S, PollTimeouts, Question
from jobindex.service.turns import Stretches

MAX_SINGLE_READS = 1000
"""Jobs that are read one by one in one visit; those asked for longest ago come first."""
MAX_FAILURES_READ = 50
"""Failed jobs among them, which may have been resubmitted at their Orthanc; a success is final there."""
FAILURE = "Failure"
SINGLE_READS_AT_ONCE = 4
LIST_AGAIN_S = 300.0
"""Seconds after which a list is asked for again that did not come in the longest time; until then job by job."""
LARGE_JOB_BYTES = 1_000_000
"""An unfinished job of so many bytes is read once a second at most, one of twice as many every two seconds."""

Hold = Callable[[float], Awaitable[None]]
"""Says that what is done next may take so many seconds."""


@dataclass(slots=True)
class Reading:
    """What was read: all ids, those jobs that may be news, and when by the node's clock."""

    began: float
    """When it was asked for, by this replica's clock (s)."""
    ids: dict[str, None] = field(default_factory=dict)
    listed: list[Listed] = field(default_factory=list)
    """What was read of it and is not what was read last time."""
    jobs: list[Job] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    stamp: str = ""
    """The node's clock, "" where it told no time,"""
    heard: float = 0.0
    """and when that was, by this replica's clock (s)."""
    taken: str = ""
    """The node's clock just before it read what it told."""
    is_settled: bool = True
    """Whether all jobs have ended."""

    def note_stamp(self, stamp: str, now: float) -> None:
        if not self.stamp or stamp < self.stamp:
            self.stamp, self.heard = stamp, now


@dataclass(frozen=True, slots=True)
class Polled:
    """A node that is read, and how."""

    id: str
    node: Node
    credentials: Credentials
    hold: Hold


class PollReader:
    """Reads nodes, each as fast as it answers."""

    def __init__(self, client: Client, intake: Intake, cache: PollCache, timeouts: PollTimeouts) -> None:
        self._client = client
        self._intake = intake
        self._view = intake.view
        self._cache = cache
        self._timeouts = timeouts
        self._asked: dict[str, dict[str, float]] = {}
        self._list_again: dict[str, float] = {}

    async def read(self, polled: Polled) -> Reading:
        """OwnerError or MalformedReport where not even the node's ids can be had."""
        if self._list_again.get(polled.id, 0.0) > _now():
            return await self._one_by_one(polled)
        within = self._timeouts.of(polled.id, Question.LIST)
        try:
            return await self._expanded(polled)
        except OwnerSilent:
            if within >= MAX_TIMEOUT_S:
                self._leave_list(polled.id)
            return await self._one_by_one(polled)
        except MalformedReport:
            return await self._one_by_one(polled)

    def _leave_list(self, node_id: str) -> None:
        now = _now()
        self._list_again = {each: when for each, when in self._list_again.items() if when > now}
        self._list_again[node_id] = now + LIST_AGAIN_S

    async def _ask(self, polled: Polled, path: str, question: Question) -> Answer:
        within, began = self._timeouts.of(polled.id, question), _now()
        await polled.hold(within)
        try:
            answer = await self._client.ask(polled.node.url, "GET", path, polled.credentials, within=within)
        except OwnerSilent:
            if _now() - began >= within / 2:
                self._timeouts.silent(polled.id, question)
            raise
        self._timeouts.answered(polled.id, question, _now() - began)
        return answer

    # In one list.

    async def _expanded(self, polled: Polled) -> Reading:
        reading = Reading(_now())
        body = _body(await self._ask(polled, "/jobs?expand", Question.LIST))
        now, stretches = _now(), Stretches()
        for listed in listed_jobs(body):
            await stretches.rest()
            reading.note_stamp(listed.stamp, now)
            self._take_in(polled, reading, listed)
        reading.taken = reading.stamp
        return reading

    def _take_in(self, polled: Polled, reading: Reading, listed: Listed) -> None:
        reading.ids[listed.id] = None
        reading.is_settled &= listed.final
        known = self._cache.knows(polled.id, polled.node, listed, self._view.jobs.get(listed.id))
        if not known and not self._is_too_soon(listed):
            reading.listed.append(listed._replace(text=b""))
            self._read(polled, reading, listed)

    def _is_too_soon(self, listed: Listed) -> bool:
        """Whether a large job that goes on was read a moment ago: reading it costs what a thousand others do."""
        shown = self._view.jobs.get(listed.id)
        if len(listed.text) < LARGE_JOB_BYTES or shown is None or shown.record.state != listed.state or listed.final:
            return False
        age = seconds_of(listed.stamp) - seconds_of(shown.record.stamp)
        return 0 <= age < len(listed.text) / LARGE_JOB_BYTES

    def _read(self, polled: Polled, reading: Reading, listed: Listed) -> None:
        job = self._intake.read(polled.id, polled.node.incarnation, listed.text)
        if job is None or job.id != listed.id:
            reading.unreadable.add(listed.id)
        else:
            reading.jobs.append(job)

    # One by one.

    async def _one_by_one(self, polled: Polled) -> Reading:
        reading = Reading(_now())
        for job_id in listed_ids(_body(await self._ask(polled, "/jobs", Question.IDS))):
            reading.ids[job_id] = None
        unsettled = [job_id for job_id in reading.ids if not self._is_settled(polled, job_id)]
        reading.is_settled = not unsettled
        await self._read_some(polled, reading, unsettled, self._failed(reading))
        if reading.stamp:
            reading.taken = moment(seconds_of(reading.stamp) - (reading.heard - reading.began))
        return reading

    def _is_settled(self, polled: Polled, job_id: str) -> bool:
        job = self._view.jobs.get(job_id)
        same = job is not None and job.record.incarnation == polled.node.incarnation
        return job is not None and same and job.record.final and job.record.on_node

    def _failed(self, reading: Reading) -> list[str]:
        return [job_id for job_id in reading.ids if self._state(job_id) == FAILURE]

    def _state(self, job_id: str) -> str:
        job = self._view.jobs.get(job_id)
        return job.record.state if job else ""

    async def _read_some(self, polled: Polled, reading: Reading, ids: list[str], failed: list[str]) -> None:
        """As many as there is time for; those that were never asked for come first, then those asked longest ago."""
        asked = {job_id: when for job_id, when in self._asked.get(polled.id, {}).items() if job_id in reading.ids}
        self._asked[polled.id] = asked

        def oldest_first(jobs: Iterable[str]) -> list[str]:
            return sorted(jobs, key=lambda job_id: asked.get(job_id, 0.0))

        chosen = oldest_first({*ids, *oldest_first(failed)[:MAX_FAILURES_READ]})
        waiting = iter(chosen[:MAX_SINGLE_READS])
        ends = _now() + self._timeouts.of(polled.id, Question.JOB)
        async with asyncio.TaskGroup() as readers:
            for _ in range(SINGLE_READS_AT_ONCE):
                readers.create_task(self._read_each(polled, reading, waiting, ends), name=f"read {polled.id}")

    async def _read_each(self, polled: Polled, reading: Reading, waiting: Iterator[str], ends: float) -> None:
        for job_id in waiting:
            if _now() > ends:
                return
            self._asked[polled.id][job_id] = _now()
            try:
                answer = await self._ask(polled, job_path(job_id), Question.JOB)
            except OwnerError:
                return  # who does not answer this would not answer the next
            self._take_answer(polled, reading, job_id, answer)

    def _take_answer(self, polled: Polled, reading: Reading, job_id: str, answer: Answer) -> None:
        """404: it is gone since; whatever else is no job: not yet."""
        if answer.status == HTTPStatus.NOT_FOUND:
            reading.ids.pop(job_id, None)
        if answer.status != HTTPStatus.OK:
            return
        try:
            listed = at_a_glance(answer.body)
        except (MalformedReport, ValueError):
            return
        if listed.id == job_id:
            reading.note_stamp(listed.stamp, _now())
            self._read(polled, reading, listed)


def _body(answer: Answer) -> bytes:
    """MalformedReport where it is no list, OwnerUnreachable where it may not be had: then no ids may be had either."""
    if answer.refuses:
        raise OwnerUnreachable(f"a list of jobs is refused to our login ({answer.status})")
    if answer.status != HTTPStatus.OK:
        raise MalformedReport(f"a list of jobs was answered {answer.status}")
    return answer.body


def _now() -> float:
    return asyncio.get_running_loop().time()
