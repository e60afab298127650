"""Failed logins: who guesses passwords has to wait, and whoever knows one is not held up by that.

Law: all that counts here is what Orthanc answered; credentials are known by their fingerprints, in memory only.
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from jobindex.auth.caller import Caller
from jobindex.errors import TooOften

T = TypeVar("T")

WINDOW = 60.0
"""Seconds in which failures are counted."""
GOOD_LASTS = 3600.0
"""Seconds that credentials which Orthanc took are not held up by what others at their address do."""
MOST = 10_000
AT_ONCE, TRY_LASTS = 32, 2.0
"""Credentials of one address that may wait for Orthanc's first word at a time, and the seconds that it is waited for:
who guesses many at once has not failed yet."""


class Logins:
    """`most` failures a minute, of one address (each guess counts once) and of one guess; 0 for no limit."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._good: OrderedDict[str, float] = OrderedDict()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._tried: OrderedDict[str, dict[str, float]] = OrderedDict()

    def check(self, caller: Caller) -> None:
        """TooOften, with the seconds to wait, where the next guess has to; without credentials there is none."""
        if not self._most or not _brings_any(caller) or self._is_good(caller):
            return
        wait = max(self._wait(caller.fingerprint), self._wait(_place(caller.address)))
        if wait > 0:
            raise TooOften("Too many failed logins from this address", math.ceil(wait))
        self._try(caller)

    def failed(self, caller: Caller) -> None:
        """Orthanc did not take these credentials."""
        if not self._most or not _brings_any(caller):
            return
        self._good.pop(caller.fingerprint, None)
        self._settle(caller)
        if not self._recent(caller.fingerprint):
            self._note(_place(caller.address))
        self._note(caller.fingerprint)

    def succeeded(self, caller: Caller) -> None:
        """Orthanc took them."""
        if self._most and _brings_any(caller):
            self._settle(caller)
            self._good[caller.fingerprint] = self._clock() + GOOD_LASTS
            _shorten(self._good, caller.fingerprint)

    def _try(self, caller: Caller) -> None:
        place, now = _place(caller.address), self._clock()
        tried = self._tried.setdefault(place, {})
        for guess in [guess for guess, since in tried.items() if since + TRY_LASTS <= now]:
            del tried[guess]
        if len(tried) >= AT_ONCE and caller.fingerprint not in tried:
            raise TooOften("Too many logins from this address at once", 1)
        tried.setdefault(caller.fingerprint, now)
        _shorten(self._tried, place)

    def _settle(self, caller: Caller) -> None:
        self._tried.get(_place(caller.address), {}).pop(caller.fingerprint, None)

    def _is_good(self, caller: Caller) -> bool:
        return self._good.get(caller.fingerprint, 0.0) > self._clock()

    def _wait(self, key: str) -> float:
        recent = self._recent(key)
        return recent[-self._most] + WINDOW - self._clock() if len(recent) >= self._most else 0.0

    def _recent(self, key: str) -> deque[float]:
        times = self._failures.get(key, deque[float]())
        while times and times[0] + WINDOW <= self._clock():
            times.popleft()
        return times

    def _note(self, key: str) -> None:
        self._failures.setdefault(key, deque(maxlen=self._most)).append(self._clock())
        _shorten(self._failures, key)


def _shorten(known: OrderedDict[str, T], newest: str) -> None:
    known.move_to_end(newest)
    while len(known) > MOST:
        known.popitem(last=False)


def _brings_any(caller: Caller) -> bool:
    return bool(caller.headers or caller.arguments)


@lru_cache(maxsize=MOST)
def _place(address: str) -> str:
    """The address, or the /64 of an IPv6 one: that much belongs to anybody who has one of them."""
    try:
        place = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((place, 64), strict=False)) if isinstance(place, IPv6Address) else address
