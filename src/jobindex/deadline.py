"""A time-out that forgives the event loop's own lag: what this process was too slow to hear, the other end has said.

A timer that fires late shows that the loop was held.  What came meanwhile is read in the loop's next turns, so the
deadline is put off by as much as the timer was late.

Law: all that is forgiven is no more than the deadline's own seconds, so that it ends within twice as many, and a
few turns of the loop; who never answers is found out however slow the loop is.
"""

import asyncio
from types import TracebackType

from jobindex import metrics

TOLERATED_S = 0.05
"""Lag of the loop that is none; and what is left, once, to read what came while the loop was held to the very end."""


class Deadline:
    """As `asyncio.timeout`: TimeoutError where what stands within takes longer."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> "Deadline":
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self.put_off()
        self._timer = self._loop.call_at(self._due, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def put_off(self) -> None:
        """The seconds begin anew; this sets no timer."""
        self._due = self._loop.time() + self._seconds
        self._last = self._due + self._seconds

    def _look(self) -> None:
        now = self._loop.time()
        lag = now - self._timer.when()
        if now >= self._due and lag > TOLERATED_S and self._due < self._last:
            metrics.loop_lag.inc(lag)
            self._forgive(now, lag)
        if now >= self._due:
            self._timeout.reschedule(now)
        else:
            self._timer = self._loop.call_at(self._due, self._look)

    def _forgive(self, now: float, lag: float) -> None:
        """A stall longer than the deadline itself leaves it its seconds, for nothing was heard in all that time."""
        if lag >= self._seconds:
            self._due = self._last = now + self._seconds
        elif now + lag < self._last:
            self._due = now + lag
        else:
            self._due = self._last = max(self._last, now + TOLERATED_S)
