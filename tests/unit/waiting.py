"""Waiting for what happens in the background: asked again and again, never for longer than a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

DEADLINE = 10.0


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return as soon as the condition holds; TimeoutError if it does not in ten seconds."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if await _holds(condition):
                return
            await asyncio.sleep(0.01)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return bool(await answer if inspect.isawaitable(answer) else answer)


class HandClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
