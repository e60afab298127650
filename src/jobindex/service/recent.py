"""What this replica has put into the index in the last minute.

A Redis that fails may lose what it acknowledged a moment ago, before any view has seen it, and a plugin does not tell
twice what was acknowledged.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from jobindex.store.jobs import Stored

LASTS = 60.0
"""Seconds: longer than a failover takes."""
MOST = 20_000
MAX_BYTES = 64 << 20
"""Bytes of their texts, most of which the view has too."""


class Recent:
    """The newest word of each job, oldest first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._words: OrderedDict[str, tuple[float, Stored]] = OrderedDict()
        self._size = 0

    def note(self, words: Iterable[Stored]) -> None:
        """These were acknowledged just now."""
        for word in words:
            self.forget(word.id)
            self._words[word.id] = (self._clock(), word)
            self._size += len(word.text)
        self._trim()

    def forget(self, job_id: str) -> None:
        """This one was deleted, and is not to come back."""
        _, word = self._words.pop(job_id, (0.0, None))
        self._size -= len(word.text) if word else 0

    def words(self) -> list[Stored]:
        self._trim()
        return [word for _, word in self._words.values()]

    def _trim(self) -> None:
        over = self._clock() - LASTS
        while self._words and (self._is_too_much() or next(iter(self._words.values()))[0] < over):
            self.forget(next(iter(self._words)))

    def _is_too_much(self) -> bool:
        return len(self._words) > MOST or self._size > MAX_BYTES
