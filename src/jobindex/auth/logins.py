"""Login throttling: who guesses passwords has to wait, and whoever knows one is not held up by that.

Laws: all that counts here is what Orthanc answered; credentials that were taken in the last 12 hours, by whatever
replica, are never held up; in Redis they are keyed digests, here they are fingerprints.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from jobindex.auth.attempts import Attempts, LocalAttempts
from jobindex.auth.caller import Caller
from jobindex.auth.first_answers import FirstAnswers
from jobindex.errors import IndexAway, TooOften
from jobindex.logs import named
from jobindex.model.login_attempt import Attempt

T = TypeVar("T")
log = logging.getLogger(__name__)

GOOD_LASTS_S = 3600.0
"""After which credentials that Orthanc took are told the other replicas anew."""
FIRST_ANSWER_S = 2.0
"""For which those who come with the same credentials at the same moment wait for the answer to the first of them."""
SHARED_WITHIN_S = 0.4
"""For Redis to answer."""
MAX_KNOWN = 10_000


@dataclass(slots=True)
class Outcome:
    """What came of a request: whether Orthanc took its credentials, or did not know them."""

    accepted: bool = False
    failed: bool = True


class Logins:
    """`most` guesses a minute at one user name of one address; 0 for no limit.  `key`: of the digests in Redis."""

    def __init__(
        self,
        most: int,
        shared: Attempts,
        key: Callable[[], bytes],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._shared = shared
        self._local = LocalAttempts(clock)
        self._key = key
        self._clock = clock
        self._turns = FirstAnswers(clock)
        self._good: OrderedDict[str, float] = OrderedDict()
        self._alone = False
        self._first: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def attempt(self, caller: Caller) -> AsyncIterator[Outcome]:
        """What may be put to an Orthanc: TooOften, with the seconds to wait, for guesses that have to.

        The outcome is to be set before this is left; who breaks off has guessed.
        """
        outcome = Outcome()
        if not self._most or not _brings_any(caller) or self._is_good(caller):
            yield outcome
            return
        await self._await_first(caller)
        if self._is_good(caller):
            yield outcome
            return
        try:
            async with self._in_turn(caller):
                yield outcome
        finally:
            if not outcome.failed:
                await self._settle(caller, accepted=outcome.accepted)

    async def _await_first(self, caller: Caller) -> None:
        if first := self._first.get(caller.fingerprint):
            with suppress(TimeoutError):
                await asyncio.wait_for(first.wait(), FIRST_ANSWER_S)

    @asynccontextmanager
    async def _in_turn(self, caller: Caller) -> AsyncIterator[None]:
        """Passwords are counted; tokens, which nobody can guess, only share the turns of their address."""
        first = self._first.setdefault(caller.fingerprint, asyncio.Event())
        try:
            async with self._counted(caller) if caller.has_password else self._turn(caller):
                yield
        finally:
            first.set()
            if self._first.get(caller.fingerprint) is first:
                del self._first[caller.fingerprint]

    @asynccontextmanager
    async def _counted(self, caller: Caller) -> AsyncIterator[None]:
        attempt = self._attempt(caller)
        wait = await self._either(lambda attempts: attempts.ask(attempt, self._most))
        if wait > 0:
            raise TooOften("Too many failed logins as this user from this address", math.ceil(wait))
        yield

    @asynccontextmanager
    async def _turn(self, caller: Caller) -> AsyncIterator[None]:
        guess = self._guess(caller)
        if await self._either(lambda attempts: attempts.was_accepted(guess)):
            yield
            return
        end = await self._turns.take(_place(caller.address), caller.fingerprint)
        try:
            yield
        finally:
            end()

    async def _settle(self, caller: Caller, *, accepted: bool) -> None:
        attempt = self._attempt(caller)
        if accepted:
            self._good[caller.fingerprint] = self._clock() + GOOD_LASTS_S
            _shorten(self._good, caller.fingerprint)
        if accepted or caller.has_password:
            await self._local.settle(attempt, accepted=accepted)
            await self._either(lambda attempts: attempts.settle(attempt, accepted=accepted))

    async def _either(self, ask: Callable[[Attempts], Awaitable[T]]) -> T:
        """By the word of Redis, for all replicas, or of this replica's own memory while Redis can't be asked."""
        try:
            async with asyncio.timeout(SHARED_WITHIN_S):
                answer = await ask(self._shared)
        except (IndexAway, TimeoutError) as error:
            if not self._alone:
                log.warning("failed logins are counted by this replica alone: %s", named(error))
            self._alone = True
            return await ask(self._local)
        self._alone = False
        return answer

    def _is_good(self, caller: Caller) -> bool:
        return self._good.get(caller.fingerprint, 0.0) > self._clock()

    def _guess(self, caller: Caller) -> str:
        return caller.digest(self._key())

    def _attempt(self, caller: Caller) -> Attempt:
        place = _place(caller.address)
        return Attempt(self._guess(caller), self._digest(f"{place} {caller.name}"), self._digest(place))

    def _digest(self, text: str) -> str:
        return blake2b(text.encode(errors="surrogateescape"), key=self._key(), digest_size=16).hexdigest()


def _shorten(known: OrderedDict[str, T], newest: str) -> None:
    known.move_to_end(newest)
    while len(known) > MAX_KNOWN:
        known.popitem(last=False)


def _brings_any(caller: Caller) -> bool:
    return bool(caller.headers or caller.arguments)


@lru_cache(maxsize=MAX_KNOWN)
def _place(address: str) -> str:
    """The address, or the /64 of an IPv6 one: that much belongs to anybody who has one of them."""
    try:
        place = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((place, 64), strict=False)) if isinstance(place, IPv6Address) else address
