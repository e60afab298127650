"""The list of jobs as bytes: joined from the texts in the view, never parsed, kept per version and question."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator

import orjson

from jobindex.model.moment import moment
from jobindex.model.node import GONE, Node
from jobindex.model.query import Question
from jobindex.model.record import FORGOTTEN, LOST
from jobindex.service.view import View
from jobindex.store.jobs import Stored

MOST_KEPT = 64 << 20
"""Bytes of bodies that are kept."""


class Listing:
    """Answers questions from the view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._bodies: OrderedDict[tuple[str, Question], bytes] = OrderedDict()
        self._size = 0

    def answer(self, question: Question) -> tuple[str, bytes]:
        """The ETag and the body; what the view shows at one moment."""
        tag = self._tag(question)
        body = self._bodies.get((tag, question))
        if body is None:
            body = self._render(question)
            self._keep((tag, question), body)
        return tag, body

    def job(self, job: Stored) -> bytes:
        """One job object, with what the index has to say of it as its last member."""
        node = self._view.owner(job)
        return job.text[:-1] + b',"JobIndex":' + orjson.dumps(_told(job, node)) + b"}"

    def _tag(self, question: Question) -> str:
        head = self._view.head
        form = hashlib.sha256(repr((question.expand, sorted(question.states or ()))).encode()).hexdigest()[:8]
        return f'"{head.epoch}-{head.version}-{form}"'

    def _render(self, question: Question) -> bytes:
        if question.expand:
            return b"[" + b",".join(self._objects(question)) + b"]"
        return orjson.dumps([job.id for job in self._chosen(question)])

    def _chosen(self, question: Question) -> Iterator[Stored]:
        jobs, states = self._view.jobs, question.states
        every = (jobs[job_id] for job_id in self._view.ids)
        return every if states is None else (job for job in every if job.record.state in states)

    def _objects(self, question: Question) -> Iterator[bytes]:
        endings: dict[tuple[str, str], bytes] = {}
        for job in self._chosen(question):
            kind = (job.record.node, job.record.mark)
            if kind not in endings:
                endings[kind] = self.job(job)[len(job.text) - 1 :]
            yield job.text[:-1] + endings[kind]

    def _keep(self, key: tuple[str, Question], body: bytes) -> None:
        self._bodies[key] = body
        self._size += len(body)
        while self._size > MOST_KEPT or len(self._bodies) > 64:
            _, oldest = self._bodies.popitem(last=False)
            self._size -= len(oldest)


def _told(job: Stored, node: Node | None) -> dict[str, object]:
    told: dict[str, object] = {"Node": job.record.node, "NodeState": node.state if node else GONE}
    if node is not None and not node.alive:
        told["LastSeen"] = moment(node.seen / 1000)
    if job.record.mark == LOST:
        told["Lost"] = True
    if job.record.mark == FORGOTTEN:
        told["Forgotten"] = True
    return told
