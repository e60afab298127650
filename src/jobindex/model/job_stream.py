"""Streaming rewriter: a job's text on its way from its owner to a caller, however long it is.

White space goes, secrets are masked as `redaction` has it, and one more member comes at the end.  What is held is a
value that is not complete yet; a large object or list is entered instead, so only one long string is held whole.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from jobindex.model.redaction import PLACES
from jobindex.model.spans import end_of
from jobindex.model.text import compact, mended, redact, speaks_of_secrets
from jobindex.model.unended import Unended
from jobindex.model.url_logins import without_logins

ENTERED_BYTES = 64 << 10
"""An object or a list that is not complete after so many bytes is entered."""

AS_WRITTEN, WITHOUT_LOGINS, BY_NAME, HIDDEN, CONTENT, JOB = range(6)
"""How a value is masked: not at all; logins in URLs; by the names in it too; as a whole; by place; each member anew."""

_WHITE, _BETWEEN = re.compile(rb"\s*"), re.compile(rb"[\s,]*")
_PREFIX = b'"token":'


class _Open(NamedTuple):
    """An object or list that was entered."""

    closing: bytes
    way: int


class JobStream:
    """Takes pieces and gives pieces; ValueError where they are no JSON object.  `ending` is the last member's text."""

    def __init__(self, kind: str, ending: bytes) -> None:
        self._places = PLACES.get(kind)
        self._ending = ending
        self._text, self._at = b"", 0
        self._open: list[_Open] = []
        self._is_first = True
        self._unended: Unended | None = None
        """What is in others that have not come yet either is not looked for once for each of those."""
        self._worth_trying = 0
        """Bytes that have to be there before it is looked again whether a value is complete."""
        self.members: dict[bytes, bytes] = {}
        """The job's own members that are neither objects nor lists."""
        self.is_whole = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What can be given by now."""
        self._text, self._at, self._unended = self._text[self._at :] + piece, 0, None
        while len(self._text) - self._at >= self._worth_trying and (made := self._step()) is not None:
            yield made

    def finish(self) -> Iterator[bytes]:
        """What is left when nothing more comes; ValueError where the job has not ended with it."""
        self._worth_trying = 0
        while (made := self._step()) is not None:
            yield made
        if not self.is_whole:
            raise ValueError("no end of a job")

    def _step(self) -> bytes | None:
        """The next part of what is given; None where more has to come first."""
        self._at = _past(self._text, self._at, _BETWEEN if self._open and not self._is_first else _WHITE)
        first = self._text[self._at : self._at + 1]
        if not first:
            return None
        if self.is_whole:
            raise ValueError("something behind a job")
        if not self._open:
            return self._enter(b"", JOB, self._at)
        if first == self._open[-1].closing:
            return self._leave()
        return self._member() if self._open[-1].closing == b"}" else self._elements()

    def _member(self) -> bytes | None:
        found = _name(self._text, self._at)
        if found is None:
            self._wait()
            return None
        name, start = found
        way, end = self._way_of(name), self._end_of(start)
        if end == 0:
            return self._enter_or_wait(start, name, way)
        if way == CONTENT and self._places is not None and self._text[start : start + 1] == b"{":
            return self._enter(name, CONTENT, start)
        made = _masked(self._text[start:end], way)
        if len(self._open) == 1 and made[:1] not in (b"{", b"["):
            self.members[name] = made
        return self._given(self._begun(name) + made, end)

    def _elements(self) -> bytes | None:
        """As many elements as are complete: a large list has thousands, and they are masked in one go."""
        way, start, last = self._open[-1].way, self._at, 0
        while (end := self._end_of(start)) and self._text[start : start + 1] != b"]":
            last = end
            start = _past(self._text, end, _BETWEEN)
            if way == HIDDEN or start >= len(self._text) or self._text[start : start + 1] == b"]":
                break
        if not last:
            return self._enter_or_wait(start, b"", way)
        return self._given(self._begun(b"") + _masked(self._text[self._at : last], way), last)

    def _end_of(self, start: int) -> int:
        """Where a value ends; 0 where that has not come yet."""
        is_nested = self._text[start : start + 1] in (b"{", b"[")
        if is_nested and self._unended is not None and self._unended.has(start):
            return 0
        try:
            end = end_of(self._text, start)
        except ValueError:
            self._unended = Unended(self._text, start) if is_nested else self._unended
            return 0
        return end if end < len(self._text) else 0

    def _enter_or_wait(self, start: int, name: bytes, way: int) -> bytes | None:
        is_large = len(self._text) - start > ENTERED_BYTES and self._text[start : start + 1] in (b"{", b"[")
        if is_large:
            return self._enter(name, way, start)
        self._wait()
        return None

    def _wait(self) -> None:
        self._worth_trying = 2 * (len(self._text) - self._at)

    def _way_of(self, name: bytes) -> int:
        way = self._open[-1].way
        if way == JOB:
            return AS_WRITTEN if name == b"UserData" else CONTENT if name == b"Content" else self._by_name(name)
        if way == CONTENT:
            if self._places is None:
                return self._by_name(name)
            return BY_NAME if name in self._places else WITHOUT_LOGINS
        return self._by_name(name) if way == BY_NAME else way

    def _by_name(self, name: bytes) -> int:
        return HIDDEN if speaks_of_secrets(name) else BY_NAME

    def _given(self, made: bytes, end: int) -> bytes:
        self._is_first = False
        self._at, self._worth_trying = end, 0
        return made

    def _enter(self, name: bytes, way: int, start: int) -> bytes:
        opening = self._text[start : start + 1]
        closing = {b"{": b"}", b"[": b"]"}.get(opening)
        if closing is None or (way == JOB and closing != b"}"):
            raise ValueError("no JSON object")
        if way == CONTENT and (closing == b"]" or self._places is None):
            way = BY_NAME
        made = self._given((self._begun(name) if self._open else b"") + opening, start + 1)
        self._open.append(_Open(closing, way))
        self._is_first = True
        return made

    def _leave(self) -> bytes:
        closing = self._open.pop().closing
        ending = b"" if self._open else self._ending if self._is_first else b"," + self._ending
        self.is_whole = not self._open
        return self._given(ending + closing, self._at + 1)

    def _begun(self, name: bytes) -> bytes:
        comma = b"" if self._is_first else b","
        return comma + b'"' + name + b'":' if self._open[-1].closing == b"}" else comma


def _past(text: bytes, position: int, between: re.Pattern[bytes]) -> int:
    found = between.match(text, position)
    return found.end() if found else position


def _name(text: bytes, position: int) -> tuple[bytes, int] | None:
    """A member's name and where its value begins; None where that has not come yet."""
    try:
        end = end_of(text, position)
    except ValueError:
        return None
    colon = _past(text, end, _WHITE)
    if text[position : position + 1] != b'"' or text[colon : colon + 1] not in (b":", b""):
        raise ValueError("no member of an object")
    start = _past(text, colon + 1, _WHITE)
    return (text[position + 1 : end - 1], start) if start < len(text) else None


def _masked(text: bytes, way: int) -> bytes:
    """A value, or some in a row, without white space and masked."""
    value = compact(text)
    value = mended(value) if _may_be_broken(value) else value
    if way == AS_WRITTEN:
        return value
    if way == WITHOUT_LOGINS:
        return without_logins(value)
    return redact(_PREFIX + value)[len(_PREFIX) :] if way == HIDDEN else redact(value)


def _may_be_broken(value: bytes) -> bool:
    return not value.isascii() or b"\\ud" in value or b"\\uD" in value
