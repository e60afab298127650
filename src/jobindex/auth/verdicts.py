"""What Orthanc said of callers, remembered for a short while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

YES_LASTS = 10.0
"""Seconds that a yes is remembered, so that a revoked right ends no later."""
NO_LASTS = 2.0
"""Seconds that a no is, so that whoever tries again and again costs Orthanc little, and a new right counts soon."""
MOST = 10_000


class Refusal(NamedTuple):
    """What Orthanc answered: 401 or 403, and its challenge."""

    status: int
    challenge: str
    known: bool = False
    """Whether another Orthanc knows the caller."""


class Verdicts:
    """The answers of the last seconds: a caller's fingerprint and what it asked to do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._yes: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._no: OrderedDict[tuple[str, str], tuple[float, Refusal]] = OrderedDict()

    def allow(self, fingerprint: str, what: str) -> None:
        """Remember a yes."""
        self._yes[fingerprint, what] = self.clock() + YES_LASTS
        self._yes.move_to_end((fingerprint, what))
        self._trim()

    def allowed(self, fingerprint: str, what: str) -> bool:
        return self._yes.get((fingerprint, what), 0.0) > self.clock()

    def refuse(self, fingerprint: str, what: str, refusal: Refusal) -> None:
        """Remember a no."""
        self._no[fingerprint, what] = (self.clock() + NO_LASTS, refusal)
        self._no.move_to_end((fingerprint, what))
        self._trim()

    def refusal(self, fingerprint: str, what: str) -> Refusal | None:
        """A no that is still remembered."""
        until, refusal = self._no.get((fingerprint, what), (0.0, None))
        return refusal if until > self.clock() else None

    def withdraw(self, fingerprint: str) -> None:
        """Forget every yes of a caller whom some Orthanc has just refused."""
        for known in [each for each in self._yes if each[0] == fingerprint]:
            del self._yes[known]

    def _trim(self) -> None:
        while len(self._yes) > MOST:
            self._yes.popitem(last=False)
        while len(self._no) > MOST:
            self._no.popitem(last=False)
