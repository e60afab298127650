"""Bulkhead: how many unknown credentials of one address may wait for Orthanc's first answer at once, oldest first.

Law: who waits longest goes next, also who was turned away and comes again, so that nobody is kept out by those who
bring new credentials each time.
"""

import asyncio
import heapq
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from jobindex.errors import TooOften

AT_ONCE = 32
"""Credentials of one address that are put to Orthancs at a time."""
MAX_WAITING = 256
"""Requests of one address that wait for their turn."""
WAIT_S = 1.0
"""For a turn, before the caller is asked to come again."""
HELD_S = 2.0
"""After which a turn ends, whether or not there is an answer."""
REMEMBERED_S = 30.0
"""For which it is remembered since when credentials wait that were turned away."""
MAX_CREDENTIALS = 10_000
TOO_MANY = "Too many logins from this address at once"

_numbers = count()


@dataclass(order=True, slots=True)
class Turn:
    """A request that waits, by since when its credentials do."""

    since: float
    number: int
    turn: "asyncio.Future[None]" = field(compare=False)


@dataclass(slots=True)
class Place:
    """An address: the turns that are taken, and who waits."""

    taken: int = 0
    waiting: list[Turn] = field(default_factory=list)


class FirstAnswers:
    """Turns by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, Place] = {}
        self._since: OrderedDict[str, float] = OrderedDict()

    async def take(self, address: str, credentials: str) -> Callable[[], None]:
        """A turn, and what ends it; TooOften where none came in time, which counts when the same come again.

        It ends by itself after a while: whoever is being sent a large output has had its first answer.
        """
        place = self._places.setdefault(address, Place())
        if place.taken < AT_ONCE:
            place.taken += 1
        else:
            await self._wait(address, place, self._waits_since(credentials))
        self._since.pop(credentials, None)
        return self._held(address, place)

    def _held(self, address: str, place: Place) -> Callable[[], None]:
        ended = False

        def end() -> None:
            nonlocal ended
            timer.cancel()
            if not ended:
                ended = True
                self._give_back(address, place)

        timer = asyncio.get_running_loop().call_later(HELD_S, end)
        return end

    async def _wait(self, address: str, place: Place, since: float) -> None:
        mine = Turn(since, next(_numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(place.waiting, mine)
        if len(place.waiting) > MAX_WAITING:
            _turn_away(place)
        try:
            async with asyncio.timeout(WAIT_S):
                await mine.turn
        except TimeoutError:
            if not _came(mine):
                _leave(place, mine)
                raise TooOften(TOO_MANY, 1) from None
        except asyncio.CancelledError:
            if _came(mine):
                self._give_back(address, place)
            else:
                _leave(place, mine)
            raise

    def _give_back(self, address: str, place: Place) -> None:
        """To who waits longest."""
        while place.waiting:
            turn = heapq.heappop(place.waiting).turn
            if not turn.done():
                turn.set_result(None)
                return
        place.taken -= 1
        if not place.taken and self._places.get(address) is place:
            del self._places[address]

    def _waits_since(self, credentials: str) -> float:
        now = self._clock()
        since = self._since.get(credentials, now)
        since = since if now - since < REMEMBERED_S else now
        self._since[credentials] = since
        while len(self._since) > MAX_CREDENTIALS:
            self._since.popitem(last=False)
        return since


def _leave(place: Place, turn: Turn) -> None:
    """Wait no more; who was turned away does so already."""
    if turn in place.waiting:
        place.waiting.remove(turn)
        heapq.heapify(place.waiting)


def _turn_away(place: Place) -> None:
    """The one who came last."""
    last = max(place.waiting)
    _leave(place, last)
    if not last.turn.done():
        last.turn.set_exception(TooOften(TOO_MANY, 1))


def _came(mine: Turn) -> bool:
    return mine.turn.done() and not mine.turn.cancelled() and mine.turn.exception() is None
