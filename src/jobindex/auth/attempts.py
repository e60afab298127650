"""Guesses at passwords, counted in a sliding window: what may be put to an Orthanc, by user name and by address.

The same rules as in `store/lua/login_ask.lua`, in the memory of one replica: for the time when Redis can't be asked.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from jobindex.model.login_attempt import ACCEPTED_S, Attempt

WINDOW_S = 60.0
"""In which guesses are counted."""
PATIENCE_S = 5.0
"""After which a guess that had to wait, and comes again, may be asked beyond the limit: one of a user name."""
REMEMBERED_S = 30.0
"""For which it is remembered since when a guess waits."""
OF_AN_ADDRESS = 20
"""User names' worth of guesses that one address has; twice that for guesses that had to wait."""
REPEATS = 5
"""Times a minute that the same guess is asked at least, which is no other guess."""
MAX_KEYS = 10_000


class Attempts(Protocol):
    """Counts guesses; those in Redis may raise IndexAway."""

    async def ask(self, attempt: Attempt, most: int, now: float = 0.0) -> float:
        """0 where it may be put to an Orthanc, and now counts; below that where it need not count; else the seconds
        to wait.  `now`: seconds, for tests."""

    async def settle(self, attempt: Attempt, *, accepted: bool) -> None:
        """It was no failed login, and counts no more; whether its credentials were taken."""

    async def was_accepted(self, guess: str) -> bool: ...


class Noted(NamedTuple):
    """A guess that was asked."""

    at: float
    guess: str


class LocalAttempts:
    """In memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: OrderedDict[str, list[Noted]] = OrderedDict()
        self._since: OrderedDict[str, float] = OrderedDict()
        self._accepted: OrderedDict[str, float] = OrderedDict()

    async def ask(self, attempt: Attempt, most: int, now: float = 0.0) -> float:
        now = now or self._clock()
        if self._accepted.get(attempt.guess, 0.0) > now:
            return -1.0
        of_user, of_address = self._recent(attempt.user, now), self._recent(attempt.address, now)
        if repeats := [each.at for each in of_user if each.guess == attempt.guess]:
            wait = _room(repeats, max(most, REPEATS), now)
            if wait <= 0:
                self._note(attempt.user, attempt, now)
            return wait
        left = self._waits_since(attempt.guess, now) + PATIENCE_S - now
        usual, late = (_wait(of_user, of_address, most, now, extra=extra) for extra in (0, 1))
        if (usual if left > 0 else late) > 0:
            return self._turn_away(attempt, min(usual, max(late, left)) if left > 0 else late, now)
        self._note(attempt.user, attempt, now)
        self._note(attempt.address, attempt, now)
        self._since.pop(attempt.guess, None)
        return 0.0

    async def settle(self, attempt: Attempt, *, accepted: bool) -> None:
        for key in (attempt.user, attempt.address):
            if key in self._noted:
                self._noted[key] = [each for each in self._noted[key] if each.guess != attempt.guess]
        if accepted:
            self._accepted[attempt.guess] = self._clock() + ACCEPTED_S
            _shorten(self._accepted)

    async def was_accepted(self, guess: str) -> bool:
        return self._accepted.get(guess, 0.0) > self._clock()

    def _turn_away(self, attempt: Attempt, wait: float, now: float) -> float:
        self._since.setdefault(attempt.guess, now)
        _shorten(self._since)
        return wait

    def _waits_since(self, guess: str, now: float) -> float:
        if now - self._since.get(guess, now) >= REMEMBERED_S:
            del self._since[guess]
        return self._since.get(guess, now)

    def _recent(self, key: str, now: float) -> list[Noted]:
        return [each for each in self._noted.get(key, []) if each.at + WINDOW_S > now]

    def _note(self, key: str, attempt: Attempt, now: float) -> None:
        self._noted[key] = [*self._recent(key, now), Noted(now, attempt.guess)]
        self._noted.move_to_end(key)
        _shorten(self._noted)


def _wait(of_user: list[Noted], of_address: list[Noted], most: int, now: float, *, extra: int) -> float:
    """Seconds until there is room for another guess, or for one `extra` that has waited."""
    last = [{each.guess: each.at for each in noted}.values() for noted in (of_user, of_address)]
    return max(_room(last[0], most + extra, now), _room(last[1], OF_AN_ADDRESS * most * (1 + extra), now))


def _room(times: Iterable[float], limit: int, now: float) -> float:
    earliest = sorted(times)
    return 0.0 if len(earliest) < limit else earliest[-limit] + WINDOW_S - now


def _shorten(known: OrderedDict[str, Any]) -> None:
    while len(known) > MAX_KEYS:
        known.popitem(last=False)
