"""The body of a whole list, a part for each section of the ids: what has not changed is cut from the part before."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobindex.service.shelves import Section

Render = Callable[[Sequence[str]], bytes]
"""Makes what lies between two commas of these ids."""


@dataclass(frozen=True, slots=True)
class Part:
    """The text of a section of an edition, between these, and where in it each edition of a shelf lies."""

    edition: int
    between: tuple[bytes, bytes]
    text: bytes
    places: Mapping[int, slice]


class Rendering:
    """Of one question, for as long as its parts are made in the same way."""

    def __init__(self, render: Render, by: object) -> None:
        """`by` is what it is made by, for whoever wants to know whether that is still right."""
        self._render = render
        self.by = by
        self._parts: dict[Section, Part] = {}

    def stale(self, sections: Sequence[Section]) -> list[Section]:
        """Those whose part has to be made."""
        found = []
        for section in sections:
            part = self._parts.get(section)
            if part is None or part.edition != section.edition:
                found.append(section)
        return found

    def make(self, section: Section, sections: Sequence[Section]) -> Part:
        """The part of a section; the first one of all opens the list, the last one closes it."""
        part = self._parts.get(section)
        between = (b"[" if section is sections[0] else b",", b"]" if section is sections[-1] else b"")
        if part is None or part.edition != section.edition or part.between != between:
            part = self._parts[section] = self._spliced(section, between, part)
        return part

    def body(self, sections: Sequence[Section]) -> tuple[bytes, ...]:
        """All of it; the parts of sections that are gone are forgotten."""
        if not sections:
            self._parts = {}
            return (b"[]",)
        self._parts = {section: self.make(section, sections) for section in sections}
        return tuple(part.text for part in self._parts.values())

    def _spliced(self, section: Section, between: tuple[bytes, bytes], last: Part | None) -> Part:
        old, places = (memoryview(last.text), last.places) if last else (memoryview(b""), {})
        pieces: list[bytes | memoryview] = [between[0]]
        found: dict[int, slice] = {}
        end = 1
        for shelf in section.shelves:
            place = places.get(shelf.edition)
            piece = self._render(shelf.ids) if place is None else old[place]
            found[shelf.edition] = slice(end, end + len(piece))
            pieces += (piece, b",")
            end += len(piece) + 1
        pieces[-1] = between[1]
        return Part(section.edition, between, b"".join(pieces), found)


def in_pieces(objects: Iterable[bytes], largest: int) -> Iterator[bytes]:
    """Joined by commas, until a piece is so large."""
    held: list[bytes] = []
    size = 0
    for each in objects:
        held.append(each)
        size += len(each) + 1
        if size >= largest:
            yield b",".join(held)
            held, size = [], 0
    if held:
        yield b",".join(held)
