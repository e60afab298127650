"""A stand-in for the `orthanc` module: jobs that a test sets, events that a test causes, a log that a test reads."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

CHANGES = SimpleNamespace(
    ORTHANC_STARTED=10, ORTHANC_STOPPED=11, JOB_SUBMITTED=16, JOB_SUCCESS=17, JOB_FAILURE=18, NEW_STUDY=4
)
EVENTS = {"JobSubmitted": 16, "JobSuccess": 17, "JobFailure": 18}


class OrthancException(Exception):
    """What the plugins' interface raises."""


def job_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


class ScriptedModule(ModuleType):
    """Answers `/system`, `/jobs` and `/jobs/{id}`; `before_read` is called with each path first."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        super().__init__("orthanc")
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.log: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        """What was generated: keys to the whole Orthanc, which can't be revoked."""
        self.before_read: Callable[[str], None] = self.asked.append
        self._callback: Callable[[int, int, str], None] | None = None
        vars(self).update(
            ChangeType=CHANGES,
            OrthancException=OrthancException,
            GetConfiguration=lambda: json.dumps(configuration),
            RestApiGet=self._answer,
            RegisterOnChangeCallback=self._register,
            GenerateRestApiAuthorizationToken=self._generate,
            **{f"Log{level}": self._logger(level) for level in ("Error", "Warning", "Info")},
        )

    def change(self, kind: int, resource: str = "") -> None:
        """Call the plugin back, as Orthanc does on its own thread."""
        assert self._callback is not None
        self._callback(kind, 4, resource)

    def set_job(self, number: int, state: str, **members: Any) -> str:
        """Let there be such a job; returns its id."""
        job, usual = job_id(number), {"Content": {}, "ErrorCode": 0, "Progress": 0, "Type": "Archive"}
        self.jobs[job] = {**usual, "ID": job, "State": state, **members}
        return job

    def happen(self, kind: str, number: int, *, evicted: bool = False) -> str:
        """A job changes its state, and Orthanc says so; `evicted`: it is forgotten before anyone can read it."""
        state = {"JobSubmitted": "Pending", "JobSuccess": "Success", "JobFailure": "Failure"}[kind]
        job = self.set_job(number, state)
        if evicted:
            del self.jobs[job]
        self.change(EVENTS[kind], job)
        return job

    def reads_of(self, job: str) -> int:
        return self.asked.count(f"/jobs/{job}")

    def _register(self, callback: Callable[[int, int, str], None]) -> None:
        self._callback = callback

    def _generate(self) -> str:
        self.tokens.append(f"Bearer {uuid.uuid4()}")
        return self.tokens[-1]

    def _logger(self, level: str) -> Callable[[str], None]:
        return lambda message: self.log.append((level, message))

    def _answer(self, path: str) -> bytes:
        self.before_read(path)
        if path == "/system":
            return _styled({"Name": "left", "Version": "1.10.1"})
        if path == "/jobs":
            return _styled(sorted(self.jobs))
        job = self.jobs.get(path.removeprefix("/jobs/"))
        if job is None:
            raise OrthancException(17, "Unknown resource")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        return _styled(dict(sorted({**job, "Timestamp": stamp}.items())))


def _styled(value: object) -> bytes:
    return json.dumps(value, indent=3, separators=(",", " : "), ensure_ascii=False).encode()
