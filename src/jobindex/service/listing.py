"""The list of jobs as bytes: joined from the texts in the view, never parsed, kept per question.

Law: an answer shows the index as it is at one moment.  Nothing is made to find out that the caller has it already; what
takes long is made, or sent, in pieces between which others have their turn.
"""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import orjson

from jobindex.model.query import Question
from jobindex.service.bodies import MOST_KEPT, Bodies
from jobindex.service.encodings import Encodings
from jobindex.service.objects import Objects, job_object
from jobindex.service.rendering import Rendering, in_pieces
from jobindex.service.selections import Filter, Selection, Selections
from jobindex.service.shelves import Shelves
from jobindex.service.snapshot_read import SnapshotRead
from jobindex.service.view import View
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored

LONGEST_PAGE = 5000
"""Jobs of a page that is made in one go, and kept; a longer one is streamed."""
AT_ONCE = 3
"""Sections that are made in one go, each in some 3 ms where nothing of it is there yet."""
ID_BYTES, OBJECT_BYTES = 50, 90
"""What a kept list has of a job beside its text, about: an id of 39, and where that lies."""
PIECE_BYTES = 1 << 20
"""Of a streamed list, made in one go."""
TRIES = 4
"""Times that a list is made in turns; the index changes meanwhile, and what is left is made in one go at last."""
NEVER = Head("", 0, -1)
"""That of a body which is only begun."""

Parts = Sequence[bytes]
Stream = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Body:
    """An answer, when it was right, and what it was made by."""

    head: Head
    parts: Parts
    size: int
    rendering: Rendering | None = None

    def __len__(self) -> int:
        return self.size


class Listing:
    """Answers questions from the view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._bodies = Bodies(group=_hidden_of)
        self._encodings = Encodings(self._bodies)
        self._selections = Selections(view)
        self._objects = Objects(view.nodes)

    def job(self, job: Stored) -> bytes:
        """One job object, with what the index has to say of it as its last member."""
        return job_object(job, self._view.owner(job))

    def tag(self, question: Question) -> str:
        """The ETag of what the view shows now."""
        return _tag(self._view.head, question)

    def known(self, question: Question, coding: str, known: str) -> str:
        """The tag among the known ones of an answer that is still right, in its coding or as it is; "" for none."""
        if not known:
            return ""
        tag = self.tag(question)
        return next((each for each in (tag_of(tag, coding), tag) if each in known), "")

    def answer(self, question: Question) -> tuple[str, bytes]:
        """The ETag and the body, made in one go however long that takes."""
        body = self._made(question) or self._make(question)
        return _tag(body.head, question), body.parts[0] if len(body.parts) == 1 else b"".join(body.parts)

    async def encoded(self, question: Question, coding: str) -> tuple[str, str, Parts | Stream]:
        """The coding ("" for none), the tag, and the body in parts; one that is too large to be kept as it comes."""
        for _ in range(TRIES):
            if self._is_made_at_once(question):
                break
            if self._source(question) is None:
                await self._selections.ready(question)
            elif self._is_too_large(question):
                return "", self.tag(question), self._streamed(question)
            else:
                await self._begin(question)
        body = self._made(question) or self._make(question)
        tag = _tag(body.head, question)
        made = await self._encodings.encode(question, tag, body.parts, coding) if coding else None
        return (coding, tag_of(tag, coding), (made,)) if made is not None else ("", tag, body.parts)

    def at_hand(self, question: Question, coding: str) -> tuple[str, Parts] | None:
        """The tag and the body in a coding, or None where making it takes longer than a moment."""
        body = self._made(question)
        if body is None:
            if not self._is_made_at_once(question):
                return None
            body = self._make(question)
        tag = _tag(body.head, question)
        if not coding:
            return tag, body.parts
        made = self._encodings.made(question, tag, coding)
        return (tag_of(tag, coding), (made,)) if made is not None else None

    # What is there, and what has to be made.

    def _kept(self, question: Question) -> Body | None:
        kept = self._bodies.get(question)
        return kept if isinstance(kept, Body) else None

    def _made(self, question: Question) -> Body | None:
        """The body that was made, if it is still right."""
        kept = self._kept(question)
        return kept if kept is not None and kept.head is self._view.head else None

    def _source(self, question: Question) -> Shelves | None:
        """The ids that are asked for, before they are parted in pages; None where they have to be found first."""
        selection = self._selection(question)
        if selection is None:
            return None if _is_filtered(question) else self._view.shelves
        return selection.shelves

    def _selection(self, question: Question) -> Selection | None:
        return self._selections.at_hand(question) if _is_filtered(question) else None

    def _is_made_at_once(self, question: Question) -> bool:
        if self._made(question) is not None:
            return True
        source = self._source(question)
        if source is None or self._is_too_large(question):
            return False
        return _is_page(question) or len(self._rendering(question).stale(source.sections)) <= AT_ONCE

    def _is_too_large(self, question: Question) -> bool:
        """Whether it is streamed; its ids are at hand."""
        selection = self._selection(question)
        shelves, size = (selection.shelves, selection.size) if selection else (self._view.shelves, self._view.size)
        if _is_page(question):
            return (question.limit or len(shelves) - question.since) > LONGEST_PAGE
        each = OBJECT_BYTES if question.expand else ID_BYTES
        return len(shelves) * each + (size if question.expand else 0) > MOST_KEPT

    # Made in one go.

    def _make(self, question: Question) -> Body:
        source = self._source(question)
        if source is None:
            for _ in self._selections.fill(question):
                pass
            return self._make(question)
        if _is_page(question):
            ids = source.page(question.since, question.limit or len(source))
            body = _body(self._view.head, (b"[%s]" % self._render(question.expand, self._objects_now(), ids),))
        else:
            rendering = self._rendering(question)
            body = _body(self._view.head, rendering.body(source.sections), rendering)
        self._bodies.keep(question, body)
        return body

    def _rendering(self, question: Question) -> Rendering:
        """What makes this list, with what it has made; an empty one where the nodes are others by now."""
        kept, objects = self._kept(question), self._objects_now()
        if kept is None or kept.rendering is None or (question.expand and kept.rendering.by is not objects):
            return Rendering(partial(self._render, question.expand, objects), objects)
        return kept.rendering

    def _objects_now(self) -> Objects:
        if self._objects.nodes is not self._view.nodes:
            self._objects = Objects(self._view.nodes)
        return self._objects

    def _render(self, expand: bool, objects: Objects, ids: Sequence[str]) -> bytes:
        if not expand:
            return orjson.dumps(ids)[1:-1]  # nothing of the jobs is asked: a tenth of the time
        jobs = self._view.jobs
        return b",".join(objects.of(jobs[job_id] for job_id in ids))

    # Made in turns.

    async def _begin(self, question: Question) -> None:
        """Make each part that is missing, others having their turn between them."""
        rendering = self._rendering(question)
        self._bodies.keep(question, _body(NEVER, (), rendering))
        source = self._source(question)
        for section in rendering.stale(source.sections) if source else ():
            await asyncio.sleep(0)
            source = self._source(question)
            if source is None:
                return
            if section.shelves and rendering.stale([section]):
                rendering.make(section, source.sections)

    async def _streamed(self, question: Question) -> Stream:
        """The list as it is when its first piece is asked for."""
        lead, objects = b"[", self._objects_now()
        with SnapshotRead(self._view) as read:
            for jobs in self._chosen(question, read, objects):
                texts = objects.of(jobs) if question.expand else (b'"%s"' % job.id.encode() for job in jobs)
                for piece in in_pieces(texts, PIECE_BYTES):
                    yield lead + piece
                    lead = b","
                    await asyncio.sleep(0)
        yield b"]" if lead == b"," else b"[]"

    def _chosen(self, question: Question, read: SnapshotRead, objects: Objects) -> Iterator[Sequence[Stored]]:
        """Stretches of the jobs that are asked for."""
        admits, since, left = Filter.of(question).admits, question.since, question.limit or sys.maxsize
        for jobs in read.stretches():
            found = [job for job in jobs if admits(job, objects.nodes)] if _is_filtered(question) else jobs
            chosen = found[since : since + left]
            since, left = max(0, since - len(found)), left - len(chosen)
            yield chosen
            if not left:
                return


def _body(head: Head, parts: Parts, rendering: Rendering | None = None) -> Body:
    return Body(head, parts, sum(map(len, parts)), rendering)


def _is_page(question: Question) -> bool:
    return bool(question.since or question.limit)


def _is_filtered(question: Question) -> bool:
    return question.states is not None or bool(question.hidden)


def tag_of(tag: str, coding: str) -> str:
    """Other bytes have another tag."""
    return f'{tag[:-1]}-{coding}"' if coding else tag


def _tag(head: Head, question: Question) -> str:
    return f'"{head.epoch}-{head.version}-{_form(question)}"'


def _hidden_of(key: Hashable) -> tuple[str, ...]:
    """A body is kept by its question, a compressed one by that and its coding."""
    question = key[0] if isinstance(key, tuple) else key
    return question.hidden if isinstance(question, Question) else ()


@lru_cache(maxsize=1000)
def _form(question: Question) -> str:
    asked = (question.expand, sorted(question.states or ()), question.since, question.limit)
    told = repr((*asked, question.hidden) if question.hidden else asked)
    return hashlib.sha256(told.encode()).hexdigest()[:8]
