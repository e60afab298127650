"""The Lua verbs: one file each, every one preceded by `shared.lua`, each run as one atomic step."""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from jobindex.store.keys import FIXED, key

Call = tuple[str, Sequence[str | bytes | int]]
"""A verb and its arguments."""

MOST_ARGUMENTS = 450
"""Of all calls that are sent at once: those of some fifty jobs."""

_FOLDER = Path(__file__).parent / "lua"
_SHARED = (_FOLDER / "shared.lua").read_text()
_VERBS = [file.stem for file in sorted(_FOLDER.glob("*.lua")) if file.stem != "shared"]
_KEYS = [key(each) for each in FIXED]


class Scripts:
    """The verbs of one connection pool; a script that the server has forgotten is sent again by redis-py."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._waiting: deque[tuple[Sequence[Call], asyncio.Future[list[Any]]]] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._verbs: dict[str, AsyncScript] = {
            verb: redis.register_script(_SHARED + (_FOLDER / f"{verb}.lua").read_text()) for verb in _VERBS
        }

    async def run(self, verb: str, *arguments: str | bytes | int) -> Any:
        """Run a verb.  The first argument that scripts see is a word for a new epoch, should this begin one."""
        word = secrets.token_hex(4)
        return await cast("Awaitable[Any]", self._verbs[verb](keys=_KEYS, args=[word, *arguments]))

    async def run_in_turn(self, calls: Sequence[Call]) -> list[Any]:
        """Run verbs one after the other, sent with those of others who ask at this moment; their answers.

        What one of them refuses is raised when all have run.  A script that the server has forgotten is run again with
        those beside it: every script may run twice.
        """
        answers: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((calls, answers))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), name="scripts")
        found = await answers
        if any(isinstance(answer, NoScriptError) for answer in found):
            return [await self.run(verb, *arguments) for verb, arguments in calls]
        for answer in found:
            if isinstance(answer, Exception):
                raise answer
        return found

    async def _send(self) -> None:
        try:
            while self._waiting:
                await self._send_some()
        finally:
            self._sending = None

    async def _send_some(self) -> None:
        """Send what waits, but no more at once than holds Redis for as long as a full call does."""
        batch = [self._waiting.popleft()]
        size = _size(batch[0][0])
        while self._waiting and size + _size(self._waiting[0][0]) <= MOST_ARGUMENTS:
            batch.append(self._waiting.popleft())
            size += _size(batch[-1][0])
        try:
            found = iter(await self._pipelined([call for calls, _ in batch for call in calls]))
        except asyncio.CancelledError:
            for _, answers in [*batch, *self._waiting]:
                answers.cancel()
            raise
        except Exception as error:
            # whoever waits behind one that Redis did not answer need not find out again
            for _, answers in [*batch, *self._waiting]:
                if not answers.done():
                    answers.set_exception(error)
            self._waiting.clear()
            return
        for calls, answers in batch:
            its = [next(found) for _ in calls]
            if not answers.done():
                answers.set_result(its)

    async def _pipelined(self, calls: Sequence[Call]) -> list[Any]:
        word = secrets.token_hex(4)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for verb, arguments in calls:
                pipeline.evalsha(self._verbs[verb].sha, len(_KEYS), *_KEYS, word, *arguments)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers


def _size(calls: Sequence[Call]) -> int:
    return sum(len(arguments) for _, arguments in calls)
