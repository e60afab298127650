"""Sorted ids in sections of shelves: a change touches one shelf, and a page is found without a look at those before it.

Law: whatever is put or dropped gives its shelf, and the section that the shelf is in, an edition that none has had
before; what was made of an edition may be used for as long as a shelf or section has it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count

LONGEST = 32
"""Ids on a shelf; a longer one is parted.  Shorter ones cost more when all are looked at, longer ones at a change."""
MAX_SHELVES = 128
"""Shelves of a section; what is made of one in a turn of the event loop takes some 3 ms."""
FULL = LONGEST * 3 // 4
"""Ids on a new shelf of many."""
FULL_SECTION = FULL * MAX_SHELVES * 3 // 4

_editions = count()


@dataclass(slots=True)
class Shelf:
    """A stretch of the ids."""

    ids: list[str]
    edition: int = field(default_factory=lambda: next(_editions))


class Section:
    """A stretch of shelves, none of which is empty."""

    __slots__ = ("count", "edition", "firsts", "shelves")

    def __init__(self, shelves: list[Shelf]) -> None:
        self.shelves = shelves
        self.firsts = [shelf.ids[0] for shelf in shelves]
        self.count = sum(len(shelf.ids) for shelf in shelves)
        self.edition = next(_editions)

    def put(self, job_id: str) -> None:
        place = self._place(job_id)
        ids = self.shelves[place].ids
        index = bisect_left(ids, job_id)
        if index == len(ids) or ids[index] != job_id:
            ids.insert(index, job_id)
            self.count += 1
        self._renew(place)

    def drop(self, job_id: str) -> None:
        place = self._place(job_id)
        ids = self.shelves[place].ids
        del ids[bisect_left(ids, job_id)]
        self.count -= 1
        self._renew(place)

    def part(self) -> "Section":
        """Give away the second half."""
        half = len(self.shelves) // 2
        second = Section(self.shelves[half:])
        del self.shelves[half:], self.firsts[half:]
        self.count -= second.count
        return second

    def after(self, job_id: str) -> list[str]:
        """The ids behind this one."""
        place = self._place(job_id)
        ids = self.shelves[place].ids
        found = ids[bisect_right(ids, job_id) :]
        for shelf in self.shelves[place + 1 :]:
            found += shelf.ids
        return found

    def at(self, start: int, count: int) -> list[str]:
        """So many ids from this place on, or fewer where the section ends."""
        found: list[str] = []
        for shelf in self.shelves:
            if start < len(shelf.ids):
                found += shelf.ids[start : start + count - len(found)]
                if len(found) == count:
                    break
            start = max(0, start - len(shelf.ids))
        return found

    def _place(self, job_id: str) -> int:
        """The last shelf that begins at or before the id, else the first."""
        return max(0, bisect_right(self.firsts, job_id) - 1)

    def _renew(self, place: int) -> None:
        """Put shelves of new editions in the place of one: two if it is too long, none if it is empty."""
        ids = self.shelves[place].ids
        half = len(ids) // 2
        parts = [ids[:half], ids[half:]] if len(ids) > LONGEST else [ids] if ids else []
        self.shelves[place : place + 1] = [Shelf(part) for part in parts]
        self.firsts[place : place + 1] = [part[0] for part in parts]
        self.edition = next(_editions)


class Shelves:
    """All ids in order."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        """`ids` are sorted."""
        self.sections: list[Section] = []
        self._firsts: list[str] = []
        self._ends: list[int] = []
        """How many ids there are up to the end of each section; [] where that has to be counted anew."""
        self.extend(ids)

    def __iter__(self) -> Iterator[Shelf]:
        return (shelf for section in self.sections for shelf in section.shelves)

    def __len__(self) -> int:
        ends = self._counted()
        return ends[-1] if ends else 0

    def extend(self, ids: Sequence[str]) -> None:
        """`ids` are sorted and follow all that are there; few at a time make short sections."""
        for start in range(0, len(ids), FULL_SECTION):
            part = ids[start : start + FULL_SECTION]
            section = Section([Shelf(list(part[at : at + FULL])) for at in range(0, len(part), FULL)])
            self.sections.append(section)
            self._firsts.append(part[0])
        self._ends = []

    def put(self, job_id: str) -> None:
        """This job is new, or is shown otherwise than before."""
        if not self.sections:
            return self.extend([job_id])
        place = self._place(job_id)
        section = self.sections[place]
        held = section.count
        section.put(job_id)
        self._firsts[place] = section.firsts[0]
        if len(section.shelves) > MAX_SHELVES:
            second = section.part()
            self.sections.insert(place + 1, second)
            self._firsts.insert(place + 1, second.firsts[0])
        if section.count != held:
            self._ends = []
        return None

    def drop(self, job_id: str) -> None:
        """This job, which is on its shelf, is there no more."""
        place = self._place(job_id)
        section = self.sections[place]
        section.drop(job_id)
        if section.shelves:
            self._firsts[place] = section.firsts[0]
        else:
            del self.sections[place], self._firsts[place]
        self._ends = []

    def page(self, since: int, limit: int) -> list[str]:
        """So many ids after the first `since`."""
        ends = self._counted()
        place = bisect_right(ends, since)
        start = since - (ends[place - 1] if place else 0)
        found: list[str] = []
        while place < len(ends) and len(found) < limit:
            found += self.sections[place].at(start, limit - len(found))
            place, start = place + 1, 0
        return found

    def following(self, job_id: str) -> list[str]:
        """The next ids behind this one, those of a section; [] where there are none."""
        place = self._place(job_id)
        for section in self.sections[place : place + 2]:
            if found := section.after(job_id):
                return found
        return []

    def _place(self, job_id: str) -> int:
        return max(0, bisect_right(self._firsts, job_id) - 1)

    def _counted(self) -> list[int]:
        if not self._ends:
            self._ends = list(accumulate(section.count for section in self.sections))
        return self._ends
