"""What happens again and again: the first of a kind is recorded at once, the others of its minute as one record.

A browser's tab asks for the list every three seconds; so it leaves two records a minute, not twenty.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from jobindex.audit.record import Record
from jobindex.audit.trail import Trail

MINUTE = 60.0
EVERY = 5.0
"""Seconds between two looks at what is over."""
MOST = 10_000
"""Kinds that are counted at a time; the oldest is written when one more comes."""


@dataclass
class _Count:
    began: float
    number: int = 0
    since: float = 0.0


class Repeats:
    """Counts by kind: all of a record but its request."""

    def __init__(self, trail: Trail, clock: Callable[[], float] = time.monotonic) -> None:
        self._trail = trail
        self._clock = clock
        self._counts: OrderedDict[Record, _Count] = OrderedDict()

    def note(self, kind: Record, request: str = "") -> None:
        """Such a record, and the request that left it."""
        count = self._counts.get(kind)
        if count is None:
            self._trail.note(replace(kind, request=request))
            self._counts[kind] = _Count(self._clock())
            if len(self._counts) > MOST:
                self._write(*self._counts.popitem(last=False))
            return
        count.since = count.since or time.time()
        count.number += 1

    async def flush_due(self) -> bool:
        """Write the counts whose minute is over; there is never more at once."""
        over = self._clock() - MINUTE
        while self._counts and next(iter(self._counts.values())).began <= over:
            self._write(*self._counts.popitem(last=False))
        return False

    def flush(self) -> None:
        """Write every count: the service stops."""
        while self._counts:
            self._write(*self._counts.popitem(last=False))

    def _write(self, kind: Record, count: _Count) -> None:
        if count.number:
            self._trail.note(kind, count=count.number, since=count.since)
