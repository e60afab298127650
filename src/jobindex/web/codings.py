"""Which coding of a body a caller takes: the header Accept-Encoding (RFC 9110, 12.5.3)."""

from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=1000)
def accepted(header: str, ours: Iterable[str]) -> str:
    """The first of ours that the header names and does not rule out; "" for the body as it is."""
    named = dict(_read(part) for part in header.split(",") if part.strip())
    return next((coding for coding in ours if named.get(coding, named.get("*", False))), "")


def _read(part: str) -> tuple[str, bool]:
    """A coding, and whether it is taken; a weight that can't be read is no."""
    name, _, weight = part.partition(";")
    told = weight.strip().lower().removeprefix("q=")
    try:
        taken = float(told or 1) > 0
    except ValueError:
        taken = False
    return name.strip().lower(), taken
