"""Size limit of a job: what is above it is kept without the longest arrays of its Content.

Law: every member that Orthanc gives to a job stays, so its state and its end are known however large it is.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from jobindex.errors import MalformedReport
from jobindex.model.path import Path, shown
from jobindex.model.spans import depth_of, measured, members_in

MAX_JOB_BYTES = 1_000_000
"""Bytes of a job's text that are kept, unless the settings say otherwise."""
MAX_DEPTH = 64
"""Objects and lists in each other in one job; a real one has 5 at most, and many readers take no more."""
MAX_PATH_DEPTH = 4
"""How deep in objects below Content arrays are looked for."""

_FIXED = frozenset(
    b"CompletionTime CreationTime ErrorCode EstimatedTimeOfArrival ID Priority Progress State Timestamp Type".split()
)
"""Members by which clients know a job and its end: they are never emptied."""
_EMPTY = {b"{": b"{}", b"[": b"[]", b'"': b'""'}


class _Part(NamedTuple):
    """A value that may go: a member's path, and where its value lies."""

    path: Path
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def fitted(text: bytes, most: int = MAX_JOB_BYTES) -> tuple[bytes, tuple[str, ...]]:
    """A compact job's text in `most` bytes and `MAX_DEPTH` levels, and the sorted paths of what was cut for that.

    MalformedReport where it can't be cut so far; ValueError where it is no JSON object.
    """
    cut: set[Path] = set()
    if len(text) <= most and text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return text, ()
    end, depth = measured(text)
    if end < len(text):
        raise ValueError("more than one value")
    if depth > MAX_DEPTH and depth_of(text, 0, len(text)) > MAX_DEPTH:
        text = without(text, _remember(cut, (part.path for part in _parts(text) if _is_deep(text, part))))
    for stage in (_arrays, _content, _others):
        if len(text) > most:
            text = without(text, _remember(cut, _longest(stage(text), len(text) - most)))
    if len(text) > most:
        raise MalformedReport(f"A job of {len(text)} bytes that can't be cut to {most}")
    return text, tuple(sorted(map(shown, cut)))


def _is_deep(text: bytes, part: _Part) -> bool:
    """Whether a value makes the job too deep; it is in so many objects itself."""
    return depth_of(text, part.start, part.end) + len(part.path) > MAX_DEPTH


def _remember(cut: set[Path], paths: Iterator[Path]) -> set[Path]:
    found = set(paths)
    cut |= found
    return found


def _longest(parts: Iterator[_Part], excess: int) -> Iterator[Path]:
    """As many of them, the longest first, as make up for what is too much."""
    for part in sorted(parts, key=lambda part: -part.size):
        if excess <= 0:
            return
        excess -= part.size
        yield part.path


def _parts(text: bytes) -> Iterator[_Part]:
    yield from _content(text)
    yield from _others(text)


def _arrays(text: bytes) -> Iterator[_Part]:
    """The arrays below Content, in objects but in no other array."""
    for start in _content_at(text):
        yield from _arrays_in(text, start, (b"Content",))


def _arrays_in(text: bytes, start: int, path: Path) -> Iterator[_Part]:
    for name, begin, end in members_in(text, start):
        if text.startswith(b"[", begin):
            yield _Part((*path, name), begin, end)
        elif text.startswith(b"{", begin) and len(path) < MAX_PATH_DEPTH:
            yield from _arrays_in(text, begin, (*path, name))


def _content(text: bytes) -> Iterator[_Part]:
    """Whatever is in Content."""
    for start in _content_at(text):
        yield from (_Part((b"Content", name), begin, end) for name, begin, end in members_in(text, start))


def _content_at(text: bytes) -> list[int]:
    found = (member for member in members_in(text) if member.name == b"Content")
    return [member.start for member in found if text.startswith(b"{", member.start)]


def _others(text: bytes) -> Iterator[_Part]:
    """The members beside Content that are free text or the submitter's."""
    for name, begin, end in members_in(text):
        if name not in _FIXED and name != b"Content":
            yield _Part((name,), begin, end)


def without(text: bytes, paths: Collection[Path]) -> bytes:
    """A compact object without what is at these paths; a job's own members are emptied instead."""
    return _without(text, _by_name(paths), is_job=True)


class _Tree(dict[bytes, "_Tree"]):
    """Paths by their first name; what goes is an empty tree."""


def _by_name(paths: Collection[Path]) -> _Tree:
    tree = _Tree()
    for path in sorted(paths, key=len, reverse=True):  # what goes as a whole is said last
        inner = tree
        for name in path[:-1]:
            inner = inner.setdefault(name, _Tree())
        if path:
            inner[path[-1]] = _Tree()
    return tree


def _without(text: bytes, tree: _Tree, *, is_job: bool = False) -> bytes:
    pieces = []
    for name, begin, end in members_in(text):
        value, inner = text[begin:end], tree.get(name)
        if inner is not None and not inner:
            if not is_job:
                continue
            value = _EMPTY.get(value[:1], b"null")
        elif inner and value.startswith(b"{"):
            value = _without(value, inner)
        pieces.append(b'"' + name + b'":' + value)
    return b"{" + b",".join(pieces) + b"}"
