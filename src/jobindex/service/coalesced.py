"""One question for all who ask it at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Coalesced(Generic[Result]):
    """Law: a question that was sent already is no answer to whoever came after it."""

    def __init__(self, ask: Callable[[], Awaitable[Result]]) -> None:
        self._send = ask
        self._waiting: list[asyncio.Future[Result]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self) -> Result:
        """The answer to a question that is sent after this is called; who is cancelled leaves it to the others."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="coalesced question")
        return await answer

    async def _ask(self) -> None:
        """Send one question after the other while somebody waits; each is for those who had come until then."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._answer(waiting)
        finally:
            self._asking = None

    async def _answer(self, waiting: list[asyncio.Future[Result]]) -> None:
        try:
            result = await self._send()
        except asyncio.CancelledError:
            for each in waiting + self._waiting:
                each.cancel()
            raise
        except Exception as error:
            for each in _still(waiting):
                each.set_exception(error)
        else:
            for each in _still(waiting):
                each.set_result(result)


def _still(waiting: list[asyncio.Future[Result]]) -> list[asyncio.Future[Result]]:
    return [each for each in waiting if not each.done()]
