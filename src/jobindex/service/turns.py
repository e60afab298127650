"""Long work in short stretches: there may be a million jobs, and readers are answered meanwhile."""

import asyncio
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
