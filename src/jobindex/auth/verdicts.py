"""What Orthanc said of callers, remembered for a short while."""

import time
from collections import OrderedDict
from collections.abc import Callable

YES_LASTS = 10.0
"""Seconds that a yes is remembered, so that a revoked right ends no later."""
MOST = 10_000


class Verdicts:
    """The yeses of the last seconds: a caller's fingerprint and what it may do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    def allow(self, fingerprint: str, what: str) -> None:
        """Remember a yes."""
        self._until[fingerprint, what] = self._clock() + YES_LASTS
        self._until.move_to_end((fingerprint, what))
        while len(self._until) > MOST:
            self._until.popitem(last=False)

    def allowed(self, fingerprint: str, what: str) -> bool:
        return self._until.get((fingerprint, what), 0.0) > self._clock()

    def withdraw(self, fingerprint: str) -> None:
        """Forget every yes of a caller whom some Orthanc has just refused."""
        for known in [each for each in self._until if each[0] == fingerprint]:
            del self._until[known]
