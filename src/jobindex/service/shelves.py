"""Sorted ids on shelves of bounded length, so that a change touches one shelf and not the whole list.

Law: whatever is put or dropped gives its shelf an edition that no shelf has had before; what was made of an edition
may be used for as long as a shelf has it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

LONGEST = 32
"""Ids on a shelf; a longer one is parted.  Shorter ones cost more when all are looked at, longer ones at a change."""

_editions = count()


@dataclass(slots=True)
class Shelf:
    """A stretch of the ids."""

    ids: list[str]
    edition: int = field(default_factory=lambda: next(_editions))


class Shelves:
    """All ids in order."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        """`ids` are sorted."""
        most = LONGEST * 3 // 4
        self._shelves = [Shelf(list(ids[start : start + most])) for start in range(0, len(ids), most)] or [Shelf([])]
        self._firsts = [shelf.ids[0] if shelf.ids else "" for shelf in self._shelves]

    def __iter__(self) -> Iterator[Shelf]:
        return iter(self._shelves)

    def put(self, job_id: str) -> None:
        """This job is new, or is shown otherwise than before."""
        place = self._place(job_id)
        ids = self._shelves[place].ids
        index = bisect_left(ids, job_id)
        if index == len(ids) or ids[index] != job_id:
            ids.insert(index, job_id)
        self._renew(place)

    def drop(self, job_id: str) -> None:
        """This job, which is on its shelf, is there no more."""
        place = self._place(job_id)
        ids = self._shelves[place].ids
        del ids[bisect_left(ids, job_id)]
        self._renew(place)

    def _place(self, job_id: str) -> int:
        """The last shelf that begins at or before the id, else the first."""
        return max(0, bisect_right(self._firsts, job_id) - 1)

    def _renew(self, place: int) -> None:
        """Put shelves of new editions in the place of one: two if it is too long, none if it is empty."""
        ids = self._shelves[place].ids
        half = len(ids) // 2
        parts = [ids[:half], ids[half:]] if len(ids) > LONGEST else [ids] if ids or len(self._shelves) == 1 else []
        self._shelves[place : place + 1] = [Shelf(part) for part in parts]
        self._firsts[place : place + 1] = [part[0] if part else "" for part in parts]
