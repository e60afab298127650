"""The table of chores and the one loop that every chore runs in."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jobindex.logs import named

log = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Background work: what, and how many seconds after it found nothing more to do it looks again."""

    name: str
    every: float
    work: Callable[[], Awaitable[bool]]


async def keep(chore: Chore) -> None:
    """Do the work again at once while there is more, else after its interval, until cancelled.

    An error is logged and waited out, longer each time; it never ends the chore.
    """
    failures = 0
    while True:
        try:
            pause = 0.0 if await chore.work() else chore.every
            failures = 0
        except Exception as error:
            failures += 1
            pause = min(chore.every * 2**failures, LONGEST_PAUSE)
            log.warning("%s failed %d times in a row: %s", chore.name, failures, named(error))
        await asyncio.sleep(_spread(pause))


def _spread(pause: float) -> float:
    """A little more or less, so that replicas that started together don't stay together."""
    return pause * random.uniform(0.9, 1.1)
