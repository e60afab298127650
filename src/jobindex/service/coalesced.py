"""One question for all who ask it at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Coalesced(Generic[Result]):
    """Law: a question that was sent already is no answer to whoever came after it."""

    def __init__(self, ask: Callable[[], Awaitable[Result]]) -> None:
        self._send = ask
        self._next: asyncio.Task[Result] | None = None
        self._sending = asyncio.Lock()

    async def ask(self) -> Result:
        """The answer to a question that is sent after this is called; who is cancelled leaves it to the others."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask(), name="coalesced question")
            self._next.add_done_callback(_retrieved)
        return await asyncio.shield(self._next)

    async def _ask(self) -> Result:
        async with self._sending:
            self._next = None
            return await self._send()


def _retrieved(task: asyncio.Task[Result]) -> None:
    """Those who asked got the error, if they are still there; nobody else has to hear of it."""
    if not task.cancelled():
        task.exception()
