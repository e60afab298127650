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


class Recent:
    """The newest word of each job, oldest first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._words: OrderedDict[str, tuple[float, Stored]] = OrderedDict()

    def note(self, words: Iterable[Stored]) -> None:
        """These were acknowledged just now."""
        for word in words:
            self._words[word.id] = (self._clock(), word)
            self._words.move_to_end(word.id)
        self._trim()

    def forget(self, job_id: str) -> None:
        """This one was deleted, and is not to come back."""
        self._words.pop(job_id, None)

    def words(self) -> list[Stored]:
        self._trim()
        return [word for _, word in self._words.values()]

    def _trim(self) -> None:
        over = self._clock() - LASTS
        while self._words and (len(self._words) > MOST or next(iter(self._words.values()))[0] < over):
            self._words.popitem(last=False)
