"""Kept members: what an Orthanc no longer says of a job that has ended, and said before.

A restart costs a finished job some of its text; nothing of the job has changed.  Law: only where State, CompletionTime
and ErrorCode are the same, and only what vanished or was emptied; whatever else the later text says counts.
"""

from collections.abc import Collection, Iterator, Mapping

from jobindex.model.text import joined, members

Members = Mapping[bytes, bytes]

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
    told, before = members(later), members(earlier)
    kept = dict(_missing(told, before, "", frozenset(cut)))
    return (_merged(told, before, "", kept), tuple(sorted(kept))) if kept else (later, ())


def still_cut(later: bytes, cut: Collection[str]) -> set[str]:
    """Those of the paths, cut from an earlier text, at which a later one has nothing either."""
    return {path for path in cut if _is_nothing(later, path.encode().split(b"."))}


def _is_nothing(text: bytes, path: list[bytes]) -> bool:
    value = members(text).get(path[0]) if text.startswith(b"{") else None
    if value is None or _is_empty(path[0], value):
        return True
    return len(path) > 1 and _is_nothing(value, path[1:])


def _missing(told: Members, before: Members, at: str, cut: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """The path and the earlier value of each member that vanished or was emptied."""
    for name, value in before.items():
        path, now = at + name.decode(errors="replace"), told.get(name)
        if path in cut or now == value or _is_empty(name, value):
            continue
        if now is None or (_is_empty(name, now) and not value.startswith(b"{")):
            yield path, value
        elif value.startswith(b"{") and now.startswith(b"{") and name not in _WHOLE:
            yield from _missing(members(now), members(value), f"{path}.", cut)
        elif _is_empty(name, now):
            yield path, value


def _is_empty(name: bytes, value: bytes) -> bool:
    return value in _EMPTY or (name in _COUNTS and value == b"0")


def _merged(told: Members, before: Members, at: str, kept: Mapping[str, bytes]) -> bytes:
    merged = dict(told)
    for name, value in before.items():
        path = at + name.decode(errors="replace")
        if path in kept:
            merged[name] = kept[path]
        elif any(each.startswith(f"{path}.") for each in kept):
            merged[name] = _merged(members(told[name]), members(value), f"{path}.", kept)
    return joined(merged)
