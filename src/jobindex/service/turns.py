"""Long work in short stretches: there may be a million jobs, and readers are answered meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

MANY = 2000
"""Items in one stretch: some 2 ms of what is done here with a job."""


async def in_turns(items: Iterable[Item]) -> AsyncIterator[Item]:
    """The same items; others have their turn between stretches of them."""
    for number, item in enumerate(items):
        if number % MANY == 0:
            await asyncio.sleep(0)
        yield item


STRETCH_S = 0.002
"""Seconds of work on items of any size, after which others have their turn."""


class Stretches:
    """Work whose steps may be short or long: asked after each of them, it rests where that is due."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def rest(self) -> None:
        if time.monotonic() - self._began > STRETCH_S:
            await asyncio.sleep(0)
            self._began = time.monotonic()
