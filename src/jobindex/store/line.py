"""One short question to Redis, asked again and again on a connection of its own.

Law: whoever asks gets the answer to a question that was sent after that: a connection whose answer nobody waited for
is left.  (A pool's way to a connection and back costs thrice as much as such a question, and each reader asks one.)
"""

import asyncio
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection

from jobindex.store.connect import COMMAND_TIMEOUT


class Line:
    """Takes one connection of the pool when first used, and keeps it; the pool closes it in the end."""

    def __init__(self, pool: ConnectionPool, *question: str) -> None:
        self._pool = pool
        self._question = question
        self._connection: AbstractConnection | None = None
        self._packed: list[bytes] = []
        self._turn = asyncio.Lock()

    async def ask(self) -> Any:
        """The answer as it is; redis-py's errors, or TimeoutError.  Sent once more where the connection broke."""
        async with self._turn, asyncio.timeout(COMMAND_TIMEOUT):
            line = self._connection or await self._take()
            return await line.retry.call_with_retry(lambda: self._answer(line), lambda error: line.disconnect())

    async def _take(self) -> AbstractConnection:
        connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        connection.socket_timeout = None  # redis-py would start a task for each; the deadline is ours
        self._connection, self._packed = connection, connection.pack_command(*self._question)
        return connection

    async def _answer(self, line: AbstractConnection) -> Any:
        """redis-py disconnects wherever this breaks off, so the next question finds no old answer."""
        await line.send_packed_command(self._packed)
        return await line.read_response()
