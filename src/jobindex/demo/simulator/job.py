"""One job of a simulated Orthanc: its state, how far it is, and the object that clients are shown."""

import asyncio
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from jobindex.demo.simulator.errors import CANCELED_JOB, MESSAGES, SUCCESS, OrthancError
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.rendering import timestamp
from jobindex.demo.simulator.work import Work

LEAST_PROGRESS = 0.01
"""The share above which Orthanc dares to tell when a running job will end."""


class State(StrEnum):
    """Orthanc's states, except `Retry`, which no kind of job uses."""

    PENDING = "Pending"
    RUNNING = "Running"
    PAUSED = "Paused"
    SUCCESS = "Success"
    FAILURE = "Failure"


@dataclass
class Job:
    """A job; times are Unix times in seconds."""

    work: Work
    priority: int
    created: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: State = State.PENDING
    code: int = SUCCESS
    details: str = ""
    done: int = 0
    runtime: float = 0.0
    changed: float = 0.0
    completed: float | None = None
    wish: State | None = None
    """What a running job becomes before its next step."""
    turn: int = 0
    """Its number in the queue: a job that left the queue and came back has a new one."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def finished(self) -> bool:
        return self.state in (State.SUCCESS, State.FAILURE)

    def enter(self, state: State, now: float) -> None:
        """Change the state; the time spent running counts as runtime."""
        self.touch(now)
        self.state = state
        self.wish = None

    def touch(self, now: float) -> None:
        """Book the runtime up to now."""
        if self.state is State.RUNNING:
            self.runtime += now - self.changed
        self.changed = now

    def finish(self, now: float, error: OrthancError | None = None) -> None:
        """End as a success, or as a failure with the error's number; a cancelled job keeps its details."""
        self.enter(State.FAILURE if error else State.SUCCESS, now)
        self.completed = now
        self.code = error.code if error else SUCCESS
        if not (error and error.code == CANCELED_JOB):
            self.details = error.details if error else ""
        self.ended.set()

    def revive(self, now: float) -> None:
        """Go back to the queue after a failure; the old error and progress are shown until it runs."""
        self.enter(State.PENDING, now)
        self.completed = None
        self.runtime = 0.0
        self.ended.clear()

    def public(self, now: float, release: Release) -> dict[str, object]:
        """Show the job as Orthanc does; `Timestamp` is the time of the question."""
        shown: dict[str, object] = {
            "Content": self.work.content(),
            "CreationTime": timestamp(self.created),
            "EffectiveRuntime": round(self._runtime(now, release), 3),
            "ErrorCode": self.code,
            "ErrorDescription": MESSAGES[self.code],
            "ErrorDetails": self.details,
            "ID": self.id,
            "Priority": self.priority,
            "Progress": int(100 * self._share + 0.5),
            "State": str(self.state),
            "Timestamp": timestamp(now),
            "Type": self.work.type,
        }
        if self.completed is not None:
            shown["CompletionTime"] = timestamp(self.completed)
        if self.state is State.RUNNING and self._share > LEAST_PROGRESS:
            left = self._runtime(now, release) * (1 - self._share) / self._share
            shown["EstimatedTimeOfArrival"] = timestamp(now + left)
        return shown

    @property
    def _share(self) -> float:
        return min(1.0, self.done / self.work.counted)

    def _runtime(self, now: float, release: Release) -> float:
        if self.state is not State.RUNNING:
            return self.runtime
        since = now - self.changed
        return since if release.restarts_runtime else self.runtime + since
