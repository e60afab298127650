"""Orthanc's jobs engine: the registry, the queue and the workers; everything happens in one event loop."""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from jobindex.demo.simulator.errors import CANCELED_JOB, SUCCESS, OrthancError
from jobindex.demo.simulator.job import Job, State
from jobindex.demo.simulator.work import Archive, Work

SUBMITTED = "JobSubmitted"
SUCCEEDED = "JobSuccess"
FAILED = "JobFailure"


@dataclass(frozen=True)
class Pace:
    """Where the engine has its time from: a test may put its own clock and its own waiting here."""

    step: float
    """Seconds that one step of a job takes."""
    now: Callable[[], float]
    wait: Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    """Orthanc's `JobsHistorySize`, `MediaArchiveSize` and `ConcurrentJobs`, with its defaults."""

    history: int = 10
    archives: int = 1
    concurrent: int = 2


class Engine:
    """The jobs of one incarnation; `announce` is told the kind of an event and the job's id."""

    def __init__(self, pace: Pace, limits: Limits, announce: Callable[[str, str], None]) -> None:
        self.pace = pace
        self._limits = limits
        self._announce = announce
        self._jobs: dict[str, Job] = {}
        self._finished: list[str] = []
        self._archives: OrderedDict[str, bytes] = OrderedDict()
        self._queue: asyncio.PriorityQueue[tuple[int, int, Job]] = asyncio.PriorityQueue()
        self._turns = itertools.count(1)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for number in range(self._limits.concurrent):
                workers.create_task(self._work(), name=f"job worker {number}")

    def ids(self) -> list[str]:
        return sorted(self._jobs)

    def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def submit(self, work: Work, priority: int) -> Job:
        job = Job(work, priority, created=self.pace.now())
        self._jobs[job.id] = job
        self._enqueue(job)
        self._announce(SUBMITTED, job.id)
        return job

    def pause(self, job: Job) -> bool:
        """Pausing what is paused or finished is granted, and does nothing."""
        if job.state is State.RUNNING:
            job.wish = State.PAUSED
        elif job.state is State.PENDING:
            job.enter(State.PAUSED, self.pace.now())
        return True

    def cancel(self, job: Job) -> bool:
        """A job that waits ends at once and without an event; a running one before its next step."""
        if job.state is State.RUNNING:
            job.wish = State.FAILURE
        elif not job.finished:
            self._finish(job, OrthancError(CANCELED_JOB))
        return True

    def resume(self, job: Job) -> bool:
        if job.state is not State.PAUSED:
            return False
        job.enter(State.PENDING, self.pace.now())
        self._enqueue(job)
        return True

    def resubmit(self, job: Job) -> bool:
        """OrthancError 6 for an archive, which can't be made twice."""
        if job.state is not State.FAILURE:
            return False
        job.work.reset()
        self._finished.remove(job.id)
        job.revive(self.pace.now())
        self._enqueue(job)
        return True

    def delete(self, job: Job) -> bool:
        """Forget a finished job; others are kept."""
        if not job.finished:
            return False
        self._finished.remove(job.id)
        self._drop(job.id)
        return True

    def output(self, job: Job, key: str) -> bytes | None:
        """The ZIP of an archive, while it is among the last few."""
        if key != "archive" or job.id not in self._archives:
            return None
        self._archives.move_to_end(job.id)
        return self._archives[job.id]

    def delete_output(self, job: Job, key: str) -> bool:
        return key == "archive" and self._archives.pop(job.id, None) is not None

    def forget(self) -> None:
        """Evict every finished job, as a full history would."""
        self._evict(0)

    def saved(self) -> list[Job]:
        """What a restart finds again: all but archives and media."""
        return [job for job in self._jobs.values() if job.work.savable]

    def restore(self, jobs: Iterable[Job]) -> None:
        """Take over jobs of an earlier incarnation without an event: what ran waits, all else stays."""
        for job in jobs:
            self._jobs[job.id] = job
            if job.finished:
                self._finished.append(job.id)
            elif job.state is not State.PAUSED:
                job.enter(State.PENDING, self.pace.now())
                self._enqueue(job)

    def _enqueue(self, job: Job) -> None:
        job.turn = next(self._turns)
        self._queue.put_nowait((-job.priority, job.turn, job))

    async def _work(self) -> None:
        while True:
            _, turn, job = await self._queue.get()
            if job.state is State.PENDING and job.turn == turn:
                await self._execute(job)

    async def _execute(self, job: Job) -> None:
        self._begin(job)
        try:
            while job.done < job.work.steps:
                if job.wish is not None:
                    return self._grant(job)
                await self.pace.wait(self.pace.step)
                await job.work.step(job.done, self.pace.now())
                job.done += 1
                job.touch(self.pace.now())
        except OrthancError as error:
            return self._end(job, error)
        return self._end(job)

    def _begin(self, job: Job) -> None:
        """Start, or go on where it was paused; what is left of an earlier failure is wiped out."""
        if job.code != SUCCESS:
            job.code, job.details, job.done = SUCCESS, "", 0
        job.enter(State.RUNNING, self.pace.now())

    def _grant(self, job: Job) -> None:
        if job.wish is State.PAUSED:
            job.enter(State.PAUSED, self.pace.now())
        else:
            self._end(job, OrthancError(CANCELED_JOB))

    def _end(self, job: Job, error: OrthancError | None = None) -> None:
        """Finish and announce it; by then a short history may have evicted it already."""
        if isinstance(job.work, Archive) and not job.work.synchronous and error is None:
            self._keep(job.id, job.work.take())
        self._finish(job, error)
        self._announce(FAILED if error else SUCCEEDED, job.id)

    def _finish(self, job: Job, error: OrthancError | None) -> None:
        job.finish(self.pace.now(), error)
        self._finished.append(job.id)
        self._evict(self._limits.history)

    def _keep(self, job_id: str, archive: bytes) -> None:
        self._archives[job_id] = archive
        while len(self._archives) > self._limits.archives:
            self._archives.popitem(last=False)

    def _evict(self, history: int) -> None:
        while len(self._finished) > history:
            self._drop(self._finished.pop(0))

    def _drop(self, job_id: str) -> None:
        del self._jobs[job_id]
        self._archives.pop(job_id, None)
