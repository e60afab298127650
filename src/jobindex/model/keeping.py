"""Kept members: what an Orthanc no longer says of a job that has ended, and said before.

A restart costs a finished job some of its text; nothing of the job has changed.  Law: only where State, CompletionTime
and ErrorCode are the same, and only what vanished or was emptied; whatever else the later text says counts.
"""

from collections.abc import Collection, Iterator, Mapping

from jobindex.model.path import Path, read_path, shown
from jobindex.model.text import joined, members

Members = Mapping[bytes, bytes]

MAX_DEPTH = 5
"""How deep in objects it is looked for what vanished; each level is read anew."""

_SAME = (b"State", b"CompletionTime", b"ErrorCode")
_EMPTY = (b"{}", b"[]", b'""', b"null")
_COUNTS = (b"Progress",)
"""Members of which nothing is 0."""
_WHOLE = (b"UserData",)
"""Objects of which no part is mixed with another's."""


def is_same_end(later: bytes, earlier: bytes) -> bool:
    """Whether two compact texts are of a job that ended once."""
    told, before = members(later), members(earlier)
    return all(told.get(name) == before.get(name) for name in _SAME)


def with_kept(later: bytes, earlier: bytes, cut: Collection[str] = ()) -> tuple[bytes, tuple[str, ...]]:
    """The later of two compact texts of one end, with what it lacks of the earlier one, and the paths of that.

    What stands in `cut` the later text lacks because it is too large.
    """
    keeper = _Keeper(frozenset(map(read_path, cut)))
    text = keeper.merged(later, earlier, ())
    return (text, tuple(sorted(map(shown, keeper.kept)))) if keeper.kept else (later, ())


def still_cut(later: bytes, cut: Collection[str]) -> set[str]:
    """Those of the paths, cut from an earlier text, at which a later one has nothing either."""
    return {path for path, _ in _lacking(later, [(path, read_path(path)) for path in cut])}


def _lacking(text: bytes, paths: list[tuple[str, Path]], depth: int = 0) -> Iterator[tuple[str, Path]]:
    """Those of the paths whose names from `depth` on lead to nothing in this text."""
    told = members(text) if text.startswith(b"{") else {}
    by_name: dict[bytes, list[tuple[str, Path]]] = {}
    for path in paths:
        by_name.setdefault(path[1][depth], []).append(path)
    for name, those in by_name.items():
        value = told.get(name, b"null")
        if _is_empty(name, value):
            yield from those
        else:
            yield from _lacking(value, [path for path in those if len(path[1]) > depth + 1], depth + 1)


class _Keeper:
    """Merges two texts, and remembers the path of each member that vanished or was emptied."""

    def __init__(self, cut: Collection[Path]) -> None:
        self._cut = cut
        self.kept: list[Path] = []

    def merged(self, later: bytes, earlier: bytes, at: Path) -> bytes:
        """The later of two objects, with what is kept; itself where nothing is."""
        told = members(later)
        found = {name: self._of(name, told.get(name), value, at) for name, value in members(earlier).items()}
        changed = {name: value for name, value in found.items() if value is not None}
        return joined({**told, **changed}) if changed else later

    def _of(self, name: bytes, now: bytes | None, before: bytes, at: Path) -> bytes | None:
        """What a member becomes; None where it stays as the later text has it."""
        path = (*at, name)
        if now == before or path in self._cut or _is_empty(name, before):
            return None
        if now is not None and self._is_looked_into(now, before, path):
            inner = self.merged(now, before, path)
            return None if inner is now else inner
        if now is None or _is_empty(name, now):
            self.kept.append(path)
            return before
        return None

    def _is_looked_into(self, now: bytes, before: bytes, path: Path) -> bool:
        both = before.startswith(b"{") and now.startswith(b"{")
        return both and path[-1] not in _WHOLE and len(path) < MAX_DEPTH


def _is_empty(name: bytes, value: bytes) -> bool:
    return value in _EMPTY or (name in _COUNTS and value == b"0")
