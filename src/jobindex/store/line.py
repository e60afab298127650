"""One connection to Redis on which many ask at once.

Law: each gets the answers to what it has sent itself: they come in the order of the questions, and a connection that
breaks off between a question and its answer is left.  (A pool's way to a connection and back costs thrice as much as a
short question.)
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from jobindex.deadline import Deadline
from jobindex.store.connect import COMMAND_TIMEOUT
from jobindex.store.packing import pack

REDIS_PORT = 6379
"""Where an address names none."""

Command = Sequence[str | bytes | int]


class _Question:
    """Commands that are sent together, and their answers as they come."""

    __slots__ = ("answered", "answers", "packed", "sent_again", "wanted")

    def __init__(self, commands: Sequence[Command]) -> None:
        self.packed = b"".join(map(pack, commands))
        self.wanted = len(commands)
        self.answers: list[Any] = []
        self.answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self.sent_again = False

    def hear(self, answer: Any) -> bool:
        """Take the next answer; whether it was the last."""
        self.answers.append(answer)
        if len(self.answers) < self.wanted:
            return False
        if not self.answered.done():
            self.answered.set_result(self.answers)
        return True

    def fail(self, error: Exception) -> None:
        if not self.answered.done():
            self.answered.set_exception(error)


class Line:
    """Takes one connection of the pool when first used, and keeps it; the pool closes it in the end."""

    def __init__(self, pool: ConnectionPool, patience: float = COMMAND_TIMEOUT) -> None:
        """`patience`: seconds for which Redis may say nothing while somebody waits for an answer."""
        self._pool = pool
        self._patience = patience
        self._connection: AbstractConnection | None = None
        self._open = False
        """Whether what is asked may be sent at once: else it is sent when the connection has been made."""
        self._waiting: deque[_Question] = deque()
        self._unsent: list[_Question] = []
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, *command: str | bytes | int) -> Any:
        """The answer to one command as it is; redis-py's errors, or TimeoutError."""
        (answer,) = await self.ask_all([command])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands that are sent together; an error by which Redis answers one stands in its place.

        They are sent once more where the connection broke, so each may run twice.
        """
        question = _Question(commands)
        self._waiting.append(question)
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer(), name="line")
        elif self._open:
            self._send_soon(question)
        return await question.answered

    def _send_soon(self, question: _Question) -> None:
        """Those who ask at the same moment share one system call, which costs more than a question."""
        self._unsent.append(question)
        if len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._open:
            self._send(unsent)

    def _send(self, questions: Iterable[_Question]) -> None:
        """Not by redis-py, which waits, in a task of its own, until each is sent."""
        if self._connection is not None and self._connection._writer is not None:
            self._connection._writer.writelines([each.packed for each in questions])

    async def _answer(self) -> None:
        """Hear the answers for as long as somebody waits for one."""
        try:
            while self._waiting:
                await self._hear()
        except asyncio.CancelledError:
            for each in self._waiting:
                each.answered.cancel()
            self._waiting.clear()
            raise
        finally:
            self._answering = None

    async def _hear(self) -> None:
        """Send what waits, and hear the answers to that and to what comes, until there is none, or an error."""
        try:
            async with Deadline(self._patience) as deadline:
                connection = await self._connected()
                self._open, self._unsent = True, []
                self._send(self._waiting)
                while self._waiting:
                    if self._waiting[0].hear(await _next_answer(connection)):
                        self._waiting.popleft()
                        deadline.put_off()
        except BaseException as error:
            await self._leave()
            if not isinstance(error, Exception):
                raise
            self._tell(self._placed(error))
        finally:
            self._open = False

    async def _connected(self) -> AbstractConnection:
        if self._connection is None:
            self._connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py's
            self._connection.socket_timeout = None  # redis-py would start a task for each; the deadline is ours
        await self._connection.connect()
        return self._connection

    async def _leave(self) -> None:
        self._open = False
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)

    def _placed(self, error: Exception) -> Exception:
        """The deadline is ours, and says nothing of whom it was waited for."""
        if type(error) is not TimeoutError:
            return error
        told = vars(self._connection) if self._connection else self._pool.connection_kwargs
        return TimeoutError(f"Timeout reading from {told.get('host', 'server')}:{told.get('port', REDIS_PORT)}")

    def _tell(self, error: Exception) -> None:
        """Who was sent once is sent again if the connection broke; the others are told."""
        waiting, self._waiting = self._waiting, deque()
        for each in waiting:
            if isinstance(error, RedisConnectionError) and not (each.sent_again or each.answered.done()):
                each.sent_again = True
                each.answers.clear()
                self._waiting.append(each)
            else:
                each.fail(error)


async def _next_answer(connection: AbstractConnection) -> Any:
    """An error by which Redis answers is an answer like others."""
    try:
        return await connection.read_response(disconnect_on_error=False)
    except ResponseError as error:
        return error
