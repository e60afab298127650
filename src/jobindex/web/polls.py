"""The list asked for again, byte for byte, as every open tab does every few seconds: known without reading it anew.

Law: what is not exactly as it was goes the usual way.  A poll is answered from here only while the yes to its caller
lasts and hides the same nodes, after the same question of freshness, and with the status and the head that its like got
before.
"""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from aiohttp import web

from jobindex import metrics
from jobindex.audit.record import Record
from jobindex.audit.repeats import Repeats
from jobindex.model.query import Question
from jobindex.service.freshness import Freshness
from jobindex.service.listing import Listing
from jobindex.service.rights import Rights
from jobindex.web import access
from jobindex.web.answers import REQUEST_ID_HEADER

log = logging.getLogger(__name__)

MOST = 1000
"""Polls that are remembered: some 2 KB each."""
LONGEST = 4096
"""Bytes of a request that is."""
OF_EACH_ANSWER = frozenset({"date", "etag", "content-length", REQUEST_ID_HEADER.lower()})
"""Headers that two answers to the same request have in common by name only."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: a list, in a coding ("" for none), unless it is still the one with a tag among `known`."""

    question: Question
    coding: str
    known: str


ASKED: web.RequestKey[Asked] = web.RequestKey("asked", Asked)
"""Put into a request by a door that would answer another one of the same bytes in the same way."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A request that was answered: who asked for what, the status and head that it got, its record in the trail."""

    fingerprint: str
    asked: Asked
    path: str
    status: int
    head: bytes
    record: Record | None


Take = Callable[[tuple[bytes, Sequence[bytes]] | None], None]
"""Takes the answer to a poll, its head and its body in parts, or None where it has to go the usual way."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A poll that waits, and since when (of perf_counter)."""

    poll: Poll
    began: float
    take: Take


class Polls:
    """Remembers polls by a digest of their bytes and where they came from, so that no credentials are kept."""

    def __init__(self, rights: Rights, freshness: Freshness, listing: Listing, repeats: Repeats) -> None:
        self._rights = rights
        self._freshness = freshness
        self._listing = listing
        self._repeats = repeats
        self._names = access.names()
        self._secret = secrets.token_bytes(32)
        self._once: OrderedDict[bytes, None] = OrderedDict()
        self._known: OrderedDict[bytes, Poll] = OrderedDict()
        self._turns: list[Turn] = []
        self._answering: asyncio.Task[None] | None = None

    def key(self, raw: bytes, peer: str) -> bytes:
        """What these bytes from this address are known by; b"" where they are too many to be a poll."""
        told = peer.encode() + b"\n" + raw
        return blake2b(told, key=self._secret, digest_size=32).digest() if len(raw) <= LONGEST else b""

    def comes_again(self, key: bytes) -> bool:
        """Whether it came before; the first time is only noted, for most requests never come again."""
        if key in self._once:
            return True
        self._once[key] = None
        _shorten(self._once)
        return False

    def remember(self, key: bytes, poll: Poll) -> None:
        """That such bytes got such an answer."""
        self._known[key] = poll
        _shorten(self._known)

    def find(self, key: bytes) -> Poll | None:
        """The poll known by this, if its caller may still ask, and see the same."""
        poll = self._known.get(key)
        if poll is None or not self._is_as_visible(poll):
            return None
        self._known.move_to_end(key)
        return poll

    def answer(self, poll: Poll, take: Take) -> None:
        """Let its answer be taken, a moment later: when the view shows all that the index holds now."""
        self._turns.append(Turn(poll, time.perf_counter(), take))
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all(), name="polls")

    async def _answer_all(self) -> None:
        """One question of freshness after the other while polls come; each is for those that had come until then."""
        try:
            while self._turns:
                turns, self._turns = self._turns, []
                fresh = await self._freshness.catch_up() and not self._freshness.submitting
                for turn in turns:
                    self._take(turn, fresh=fresh)
        finally:
            self._answering = None

    def _is_as_visible(self, poll: Poll) -> bool:
        """Whether the caller may still list, and sees the jobs of the same nodes as then."""
        return self._rights.still_hidden(poll.fingerprint) == poll.asked.question.hidden

    def _take(self, turn: Turn, *, fresh: bool) -> None:
        reply = None
        try:
            reply = self._reply(turn) if fresh else None
        except Exception:
            log.exception("a poll could not be answered by what is remembered of it")
        turn.take(reply)

    def _reply(self, turn: Turn) -> tuple[bytes, Sequence[bytes]] | None:
        """None where the status or the hidden set would be another, or making the body takes longer than a moment."""
        poll = turn.poll
        found = self._found(poll)
        if found is None:
            return None
        name = next(self._names)
        metrics.polls.inc()
        access.note("GET", poll.path, poll.status, turn.began, name)
        if poll.record is not None:
            self._repeats.note(poll.record, name)
        return _head(poll, found[0], sum(map(len, found[1])), name), found[1]

    def _found(self, poll: Poll) -> tuple[str, Sequence[bytes]] | None:
        """The tag and the body, which is none where the caller has it."""
        if not self._is_as_visible(poll):
            return None
        asked = poll.asked
        known = self._listing.known(asked.question, asked.coding, asked.known)
        if bool(known) != (poll.status == HTTPStatus.NOT_MODIFIED):
            return None
        return (known, ()) if known else self._listing.at_hand(asked.question, asked.coding)


def _head(poll: Poll, tag: str, length: int, name: str) -> bytes:
    """As aiohttp makes it: an answer without a body has no length."""
    told = f"\r\nETag: {tag}\r\n{REQUEST_ID_HEADER}: {name}\r\nDate: {_date(int(time.time()))}"
    if poll.status == HTTPStatus.OK:
        told += f"\r\nContent-Length: {length}"
    return b"%s%s\r\n\r\n" % (poll.head, told.encode())


def _shorten(known: OrderedDict[bytes, Any]) -> None:
    while len(known) > MOST:
        known.popitem(last=False)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def head_of(status: int, headers: Mapping[str, str]) -> bytes:
    """The part of an answer's head that its like will have too."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in OF_EACH_ANSWER]
    return "\r\n".join(lines).encode()
