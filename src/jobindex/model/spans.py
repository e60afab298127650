"""JSON scanner: where the members of an object and the elements of an array lie in a text, white space or not.

Nothing is parsed and nothing recurses, so neither a large text nor a deep one is a danger: what has many brackets is
measured in bulk (`brackets`).  What is no JSON is ValueError where that is noticed; whoever needs to be sure has the
parts parsed.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from jobindex.model.brackets import levels, outline, past_brackets

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*){0,99}"'
_FLAT = rb'[{\[][^"{}\[\]]*(?:' + _STRING + rb'[^"{}\[\]]*){0,19}[}\]]'
_RUN_OVER_FLAT = re.compile(rb'[^"{}\[\]]*(?:(?:' + _STRING + rb"|" + _FLAT + rb')[^"{}\[\]]*){0,99}', re.DOTALL)
"""What stands between two brackets, with small objects and lists that have no other in them, or the beginning of that.

A large job has thousands of those in a row; Python's engine needs memory for each repetition.
"""
_IN_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*){0,999}', re.DOTALL)
_SCALAR = re.compile(rb'[^\s",:{}\[\]]+')
_BETWEEN = re.compile(rb"[\s,]*")
_COLON = re.compile(rb"\s*:\s*")
_OPENING = b"{["
_FEW_STEPS = 8
"""Brackets that are looked at one by one, as those of most values; more of them are quicker in bulk."""
_BYTES_A_STEP = 128
"""Where so many bytes lie between two brackets, one by one is quicker however many there are."""
_WINDOW_BYTES = 256
_LARGEST_WINDOW_BYTES = 256 << 10


class Member(NamedTuple):
    """A member of an object: its name without quotes, and where its value lies."""

    name: bytes
    start: int
    end: int


def members_in(text: bytes, start: int = 0) -> Iterator[Member]:
    """The members of the object that begins at `start`."""
    position = _past(text, start + 1)
    while text[position : position + 1] == b'"':
        named = _past_string(text, position)
        colon = _COLON.match(text, named)
        if colon is None:
            raise ValueError("a name without a value")
        end = end_of(text, colon.end())
        yield Member(text[position + 1 : named - 1], colon.end(), end)
        position = _past(text, end)
    _close(text, position, b"}")


def elements_in(text: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where the elements of the array that begins at `start` lie."""
    position = _past(text, start + 1)
    while text[position : position + 1] not in (b"]", b""):
        end = end_of(text, position)
        yield position, end
        position = _past(text, end)
    _close(text, position, b"]")


def depth_of(text: bytes, start: int, end: int) -> int:
    """How many objects and lists lie in each other in the value from `start` to `end`."""
    return _measured_in_bulk(text[start:end], 0)[1] if text[start] in _OPENING else 0


def end_of(text: bytes, start: int = 0) -> int:
    """The position behind the value that begins at `start`."""
    first = text[start : start + 1]
    if first == b'"':
        return _past_string(text, start)
    if first not in (b"{", b"["):
        found = _SCALAR.match(text, start)
        if found is None:
            raise ValueError("no value where one should be")
        return found.end()
    return measured(text, start)[0]


def measured(text: bytes, start: int = 0) -> tuple[int, int]:
    """The position behind the object or list that begins at `start`, and how many lie in each other there at most."""
    depth, position, deepest = 1, start + 1, 1
    steps = 0
    while steps < _FEW_STEPS + (position - start) // _BYTES_A_STEP:
        steps += 1
        position = _past_bracket(text, position)
        deepest = max(deepest, depth + 1)
        depth += 1 if text[position - 1] in _OPENING else -1
        if not depth:
            return position, deepest
    return _measured_in_bulk(text, start)


def _measured_in_bulk(text: bytes, start: int) -> tuple[int, int]:
    """The same in windows, each larger than the one before, so that no more is looked at than four times the value."""
    depth, deepest, position, size = 1, 1, start + 1, _WINDOW_BYTES
    while position < len(text):
        window = outline(text[position : position + size])
        found = levels(window, depth)
        if 0 in found:
            number = found.index(0)
            return position + past_brackets(window, number), max(deepest, max(found[:number]))
        depth, deepest, position = found[-1], max(deepest, max(found)), position + len(window)
        if text.startswith(b'"', position):
            position = _past_string(text, position)
        size = min(4 * size, _LARGEST_WINDOW_BYTES)
    raise ValueError("an object or a list without an end")


def _past_bracket(text: bytes, position: int) -> int:
    """The position behind the next bracket that stands in no string, nor in a small object or list."""
    while True:
        found = _RUN_OVER_FLAT.match(text, position)
        position = found.end() if found else position
        ahead = text[position : position + 1]
        if ahead != b'"':
            break
        position = _past_string(text, position)
    if not ahead:
        raise ValueError("an object or a list without an end")
    return position + 1


def _past_string(text: bytes, position: int) -> int:
    """The position behind the string that begins here."""
    end, ahead = position + 1, b"\\"
    while ahead == b"\\":
        found = _IN_STRING.match(text, end)
        before, end = end, found.end() if found else end
        ahead = text[end : end + 1]
        if ahead != b'"' and end == before:
            break
    if ahead != b'"':
        raise ValueError("a text without an end")
    return end + 1


def _past(text: bytes, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def _close(text: bytes, position: int, bracket: bytes) -> None:
    position = _past(text, position)
    if text[position : position + 1] != bracket:
        raise ValueError("an object or a list that ends where it should not")
