"""Unended values: which objects and lists of a text have no end in it, found in one pass for all of them."""

from jobindex.model.brackets import count, levels, outline


class Unended:
    """Knows those from `start` on, where one of them begins; asked from the front to the back."""

    def __init__(self, text: bytes, start: int) -> None:
        self._outline = outline(text[start:])
        self._start = start
        self._brackets = _unended(levels(self._outline, 0))
        self._counted = (0, 0)
        """How many brackets there are up to where."""

    def has(self, position: int) -> bool:
        """Whether what begins at this bracket has no end."""
        before, end = self._counted
        position += 1 - self._start
        before += count(self._outline, end, position)
        self._counted = (before, position)
        return before in self._brackets


def _unended(found: list[int]) -> set[int]:
    """The brackets, by their number, behind which the level is never again as it was before."""
    found.reverse()
    brackets, at = set(), 0
    for level in range(found[0] - 1, -1, -1):
        at = found.index(level, at)
        brackets.add(len(found) - at)
    return brackets
