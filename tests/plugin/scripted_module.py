"""A stand-in for the `orthanc` module: jobs that a test sets, events that a test causes, a log that a test reads."""

import json
import uuid
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from .scripted_orthanc import Answer, ScriptedOrthanc

CHANGES = SimpleNamespace(
    ORTHANC_STARTED=10, ORTHANC_STOPPED=11, JOB_SUBMITTED=16, JOB_SUCCESS=17, JOB_FAILURE=18, NEW_STUDY=4
)
EVENTS = {"JobSubmitted": 16, "JobSuccess": 17, "JobFailure": 18}


class OrthancException(Exception):
    """What the plugins' interface raises."""


def job_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


class ScriptedModule(ModuleType):
    """The module and, once it is served, the HTTP server of the same Orthanc.

    `called` names each call of the module, as the plugin makes them.
    """

    def __init__(self, configuration: dict[str, Any]) -> None:
        super().__init__("orthanc")
        self.configuration = configuration
        self.jobs: dict[str, dict[str, Any]] = {}
        self.called: list[str] = []
        self.server: ScriptedOrthanc | None = None
        self.log: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        """What was generated: keys to the whole Orthanc, which can't be revoked."""
        self._callback: Callable[[int, int, str], None] | None = None
        calls = {
            "GetConfiguration": lambda: json.dumps(self.configuration),
            "GetConfigurationPath": lambda: "/etc/orthanc",
            "RestApiGet": self._answer,
            "RegisterOnChangeCallback": self._register,
            "GenerateRestApiAuthorizationToken": self._generate,
            **{f"Log{level}": self._logger(level) for level in ("Error", "Warning", "Info")},
        }
        vars(self).update(ChangeType=CHANGES, OrthancException=OrthancException)
        vars(self).update({name: self._noted(name, call) for name, call in calls.items()})

    def serve(self, **options: Any) -> ScriptedOrthanc:
        """Listen, at the port that the configuration then names."""
        self.server = ScriptedOrthanc(self.jobs, **options)
        self.configuration.setdefault("HttpPort", self.server.port)
        return self.server

    @property
    def http(self) -> ScriptedOrthanc:
        assert self.server is not None
        return self.server

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return self.http.asked

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

    def _noted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            self.called.append(name)
            return call(*arguments)

        return noted

    def _register(self, callback: Callable[[int, int, str], None]) -> None:
        self._callback = callback

    def _generate(self) -> str:
        self.tokens.append(f"Bearer {uuid.uuid4()}")
        return self.tokens[-1]

    def _logger(self, level: str) -> Callable[[str], None]:
        return lambda message: self.log.append((level, message))

    def _answer(self, path: str) -> bytes:
        status, body = self._known(path)
        if status != 200:
            raise OrthancException(17, "Unknown resource")
        return body

    def _known(self, path: str) -> Answer:
        self.http.before_read(path)
        return self.http.answers.get(path) or self.http.known(path)
