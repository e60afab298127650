"""The routes below `/jobs`."""

from collections.abc import Callable

from jobindex.demo.simulator.engine import Engine
from jobindex.demo.simulator.errors import INEXISTENT_ITEM, PARAMETER_OUT_OF_RANGE, OrthancError
from jobindex.demo.simulator.job import Job
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.router import Answer, Handler, Question, Route, answer_json
from jobindex.demo.simulator.work import Archive

BOOLEANS = {"": True, "1": True, "true": True, "0": False, "false": False}


class JobsDoor:
    """What clients may ask of the engine, and do to its jobs."""

    def __init__(self, engine: Engine, release: Release, not_yet: set[str] | frozenset[str] = frozenset()) -> None:
        self._engine = engine
        self._release = release
        self._not_yet = not_yet

    def routes(self) -> list[Route]:
        table: list[Route] = [
            ("GET", "/jobs", self.jobs),
            ("GET", "/jobs/{id}", self.job),
            ("POST", "/jobs/{id}/cancel", self._act(self._engine.cancel)),
            ("POST", "/jobs/{id}/pause", self._act(self._engine.pause)),
            ("POST", "/jobs/{id}/resubmit", self._act(self._engine.resubmit)),
            ("POST", "/jobs/{id}/resume", self._act(self._engine.resume)),
            ("GET", "/jobs/{id}/{key}", self.output),
        ]
        if self._release.deletes_jobs:
            table += [
                ("DELETE", "/jobs/{id}", self.delete),
                ("DELETE", "/jobs/{id}/{key}", self.delete_output),
            ]
        return table

    async def jobs(self, question: Question) -> Answer:
        ids = self._engine.ids()
        if not self._expands(question):
            return answer_json(ids)
        if not self._not_yet.isdisjoint(ids):
            return Answer(400)
        return answer_json([self._public(job) for job in map(self._engine.job, ids) if job])

    async def job(self, question: Question, job_id: str) -> Answer:
        job = self._engine.job(job_id)
        if job_id in self._not_yet:
            return Answer(400)
        return answer_json(self._public(job)) if job else Answer(404)

    async def output(self, question: Question, job_id: str, key: str) -> Answer:
        job = self._engine.job(job_id)
        output = self._engine.output(job, key) if job else None
        if job is None or output is None:
            raise OrthancError(INEXISTENT_ITEM, f"Job has no such output: {key}")
        return answer_zip(output, self._filename(job))

    async def delete(self, question: Question, job_id: str) -> Answer:
        job = self._engine.job(job_id)
        if job is None or not self._engine.delete(job):
            raise OrthancError(INEXISTENT_ITEM, f"No job found with this id: {job_id}")
        return Answer(200, headers={"Content-Type": "text/plain"})

    async def delete_output(self, question: Question, job_id: str, key: str) -> Answer:
        job = self._engine.job(job_id)
        if job is None or not self._engine.delete_output(job, key):
            raise OrthancError(INEXISTENT_ITEM, f"Job has no such output: {key}")
        return Answer(200, headers={"Content-Type": "text/plain"})

    def _act(self, action: Callable[[Job], bool]) -> Handler:
        """An action on an unknown job, or one that the job's state forbids, is 400 without a word."""

        async def act(question: Question, job_id: str) -> Answer:
            job = self._engine.job(job_id)
            if job is None or not action(job):
                return Answer(400)
            return Answer(200, b"{}", {"Content-Type": "application/json"})

        return act

    def _expands(self, question: Question) -> bool:
        value = question.query.get("expand")
        if value is None or not self._release.parses_expand:
            return value is not None
        if value not in BOOLEANS:
            found = f'Expected a Boolean for GET argument "expand", found: {value}'
            raise OrthancError(PARAMETER_OUT_OF_RANGE, found)
        return BOOLEANS[value]

    def _public(self, job: Job) -> dict[str, object]:
        return job.public(self._engine.pace.now(), self._release)

    def _filename(self, job: Job) -> str:
        if self._release.names_archives and isinstance(job.work, Archive):
            return job.work.filename
        return "archive.zip"


def answer_zip(output: bytes, filename: str) -> Answer:
    headers = {"Content-Type": "application/zip", "Content-Disposition": f'filename="{filename}"'}
    return Answer(200, output, headers)
