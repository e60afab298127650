"""Bracket levels: how deep a JSON text is at each of its brackets, found by whole passes over its bytes.

Law: no step of Python's own for a bracket, a string or an escape, so that a text of nothing else takes no longer.
"""

from itertools import accumulate

_BRACKETS = b"{}[]"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = bytes.maketrans(_BRACKETS, b"\x01\xff\x01\xff")
_BLANK = bytes.maketrans(_BRACKETS, b"    ")


def outline(text: bytes) -> bytes:
    """A text that begins outside a string, with no bracket in its strings; all else stays where it is.

    A string that has no end is left off.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
    parts = text.split(b'"')
    if len(parts) % 2 == 0:
        parts.pop()
    if len(parts) > 1:
        parts[1::2] = b'"'.join(parts[1::2]).translate(_BLANK).split(b'"')
    return b'"'.join(parts)


def levels(outlined: bytes, depth: int) -> list[int]:
    """How many objects and lists are open in front of an outline, which are told, and behind each of its brackets."""
    return list(accumulate(memoryview(outlined.translate(_STEPS, _OTHERS)).cast("b"), initial=depth))


def past_brackets(outlined: bytes, number: int) -> int:
    """The position behind so many brackets of an outline that has as many."""
    start, end = 0, len(outlined)
    while end - start > 1:
        middle = (start + end) // 2
        before = count(outlined, start, middle)
        if before < number:
            start, number = middle, number - before
        else:
            end = middle
    return end


def count(outlined: bytes, start: int, end: int) -> int:
    """How many brackets an outline has between two positions."""
    found = outlined.count
    return found(b"{", start, end) + found(b"}", start, end) + found(b"[", start, end) + found(b"]", start, end)
