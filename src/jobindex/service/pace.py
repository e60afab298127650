"""How often one may: so many a second, and a few more at once (a token bucket)."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 10_000


class Pace:
    """`rate` a second and at most `burst` at once, for each key by itself."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Whether this one may; what may not takes nothing away."""
        left = self._filled(key)
        may = left >= 1
        self._keep(key, left - may)
        return may

    def give_back(self, key: str) -> None:
        """What was taken was not meant to count."""
        self._keep(key, min(self._burst, self._filled(key) + 1))

    def _filled(self, key: str) -> float:
        now = self._clock()
        left, since = self._left.get(key, (float(self._burst), now))
        return min(self._burst, left + (now - since) * self._rate)

    def _keep(self, key: str, left: float) -> None:
        self._left[key] = (left, self._clock())
        self._left.move_to_end(key)
        if len(self._left) > MOST:
            self._left.popitem(last=False)
