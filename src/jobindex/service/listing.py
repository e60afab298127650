"""The list of jobs as bytes: joined from the texts in the view, never parsed, kept per question.

What has not changed since the last time is cut from the last body; only the shelves that changed are joined anew.
"""

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import orjson

from jobindex.model.edits import edits_of
from jobindex.model.moment import moment
from jobindex.model.node import GONE, Node
from jobindex.model.query import Question
from jobindex.model.record import FORGOTTEN, LOST
from jobindex.model.visibility import hides
from jobindex.service.bodies import Bodies
from jobindex.service.encodings import Encodings
from jobindex.service.view import View
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored

Nodes = Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Body:
    """An answer, when it was right, and where in it each edition of a shelf lies."""

    head: Head
    nodes: Nodes
    tag: str
    text: bytes
    places: Mapping[int, slice]

    def __len__(self) -> int:
        return len(self.text)


class Listing:
    """Answers questions from the view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._bodies = Bodies(group=_hidden_of)
        self._encodings = Encodings(self._bodies)
        self._endings: dict[tuple[str, str, str], bytes] = {}
        self._endings_of: Nodes = {}

    def answer(self, question: Question) -> tuple[str, bytes]:
        """The ETag and the body; what the view shows at one moment."""
        head, nodes = self._view.head, self._view.nodes
        kept = self._bodies.get(question)
        last = kept if isinstance(kept, Body) else None
        if last is None or last.head is not head:
            places = last.places if last and last.nodes is nodes else {}
            text, places = self._render(question, last.text if last else b"", places)
            last = Body(head, nodes, f'"{head.epoch}-{head.version}-{_form(question)}"', text, places)
            self._bodies.keep(question, last)
        return last.tag, last.text

    async def encoded(self, question: Question, coding: str) -> tuple[str, str, bytes]:
        """The same in a coding, or as it is where that is better: the coding ("" for none), the tag, the body."""
        tag, text = self.answer(question)
        made = await self._encodings.encode(question, tag, text, coding) if coding else None
        return (coding, tag_of(tag, coding), made) if made is not None else ("", tag, text)

    def known(self, question: Question, coding: str, known: str) -> str:
        """The tag among the known ones of an answer that is still right, in its coding or as it is; "" for none."""
        if not known:
            return ""
        tag, _ = self.answer(question)
        return next((each for each in (tag_of(tag, coding), tag) if each in known), "")

    def at_hand(self, question: Question, coding: str) -> tuple[str, bytes] | None:
        """The tag and the body in a coding, or None where it has to be made first."""
        tag, text = self.answer(question)
        if not coding:
            return tag, text
        made = self._encodings.made(question, tag, coding)
        return (tag_of(tag, coding), made) if made is not None else None

    def job(self, job: Stored) -> bytes:
        """One job object, with what the index has to say of it as its last member."""
        node = self._view.owner(job)
        return job.text[:-1] + b',"JobIndex":' + orjson.dumps(_told(job, node)) + b"}"

    def _render(
        self, question: Question, last: bytes, places: Mapping[int, slice]
    ) -> tuple[bytes, Mapping[int, slice]]:
        if question.since or question.limit:
            return _array([self._joined(question, self._page(question))]), {}
        return self._spliced(question, memoryview(last), places)

    def _spliced(
        self, question: Question, last: memoryview, places: Mapping[int, slice]
    ) -> tuple[bytes, Mapping[int, slice]]:
        parts: list[bytes | memoryview] = []
        found: dict[int, slice] = {}
        end = 1
        for shelf in self._view.shelves:
            place = places.get(shelf.edition)
            part = self._part(question, shelf.ids) if place is None else last[place]
            found[shelf.edition] = slice(end, end + len(part))
            if part:
                parts.append(part)
                end += len(part) + 1
        return _array(parts), found

    def _part(self, question: Question, ids: Sequence[str]) -> bytes:
        if question.expand or question.states is not None or question.hidden:
            return self._joined(question, self._chosen(question, ids))
        return orjson.dumps(ids)[1:-1]  # nothing of the jobs is asked: a tenth of the time

    def _joined(self, question: Question, jobs: Iterable[Stored]) -> bytes:
        if question.expand:
            return b",".join(self._objects(jobs))
        return orjson.dumps([job.id for job in jobs])[1:-1]

    def _chosen(self, question: Question, ids: Iterable[str]) -> Iterator[Stored]:
        jobs, states = self._view.jobs, question.states
        every: Iterator[Stored] = (jobs[job_id] for job_id in ids)
        if question.hidden:
            every = self._visible(question.hidden, every)
        return every if states is None else (job for job in every if job.record.state in states)

    def _visible(self, hidden: tuple[str, ...], jobs: Iterable[Stored]) -> Iterator[Stored]:
        nodes = self._view.nodes
        return (job for job in jobs if not hides(hidden, job.record.node, nodes))

    def _page(self, question: Question) -> Iterator[Stored]:
        since, ids = question.since, iter(self._view.shelves)
        every = (job for shelf in ids for job in self._chosen(question, shelf.ids))
        return islice(every, since, since + question.limit if question.limit else None)

    def _objects(self, jobs: Iterable[Stored]) -> Iterator[bytes]:
        """Each ends in what its owner and its mark have to say, which is made once for as long as the nodes stay."""
        if self._endings_of is not self._view.nodes:
            self._endings, self._endings_of = {}, self._view.nodes
        endings = self._endings
        for job in jobs:
            rest = job.record.rest
            kind = (job.record.node, job.record.mark, rest if "=" in rest else "")
            if kind not in endings:
                endings[kind] = self.job(job)[len(job.text) - 1 :]
            yield job.text[:-1] + endings[kind]


def _array(parts: Iterable[bytes | memoryview]) -> bytes:
    """Joined in one go: a body may have many megabytes."""
    pieces: list[bytes | memoryview] = [b"["]
    for part in parts:
        if part:
            pieces += (part, b",")
    pieces[max(1, len(pieces) - 1) :] = [b"]"]
    return b"".join(pieces)


def tag_of(tag: str, coding: str) -> str:
    """Other bytes have another tag."""
    return f'{tag[:-1]}-{coding}"' if coding else tag


def _hidden_of(key: Hashable) -> tuple[str, ...]:
    """A body is kept by its question, a compressed one by that and its coding."""
    question = key[0] if isinstance(key, tuple) else key
    return question.hidden if isinstance(question, Question) else ()


@lru_cache(maxsize=1000)
def _form(question: Question) -> str:
    asked = (question.expand, sorted(question.states or ()), question.since, question.limit)
    told = repr((*asked, question.hidden) if question.hidden else asked)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _told(job: Stored, node: Node | None) -> dict[str, object]:
    told: dict[str, object] = {"Node": job.record.node, "NodeState": node.state if node else GONE}
    if node is not None and not node.alive:
        told["LastSeen"] = moment(node.seen / 1000)
    if job.record.mark == LOST:
        told["Lost"] = True
    if job.record.mark == FORGOTTEN:
        told["Forgotten"] = True
    edits = edits_of(job.record.rest)
    if edits.cut:
        told["Cut"] = edits.cut
    if edits.kept:
        told["Kept"] = edits.kept
    return told
