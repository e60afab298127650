"""The Lua verbs: one file each, every one preceded by `shared.lua`, each run as one atomic step."""

import secrets
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from jobindex.store.keys import FIXED, key

Call = tuple[str, Sequence[str | bytes | int]]
"""A verb and its arguments."""

_FOLDER = Path(__file__).parent / "lua"
_SHARED = (_FOLDER / "shared.lua").read_text()
_VERBS = [file.stem for file in sorted(_FOLDER.glob("*.lua")) if file.stem != "shared"]
_KEYS = [key(each) for each in FIXED]


class Scripts:
    """The verbs of one connection pool; a script that the server has forgotten is sent again by redis-py."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._verbs: dict[str, AsyncScript] = {
            verb: redis.register_script(_SHARED + (_FOLDER / f"{verb}.lua").read_text()) for verb in _VERBS
        }

    async def run(self, verb: str, *arguments: str | bytes | int) -> Any:
        """Run a verb.  The first argument that scripts see is a word for a new epoch, should this begin one."""
        word = secrets.token_hex(4)
        return await cast("Awaitable[Any]", self._verbs[verb](keys=_KEYS, args=[word, *arguments]))

    async def run_in_turn(self, calls: Sequence[Call]) -> list[Any]:
        """Run verbs one after the other, all sent at once; what one of them refuses is raised when all have run.

        Where the server has forgotten a script, all are run again: every script may run twice.
        """
        word = secrets.token_hex(4)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for verb, arguments in calls:
                pipeline.evalsha(self._verbs[verb].sha, len(_KEYS), *_KEYS, word, *arguments)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            return [await self.run(verb, *arguments) for verb, arguments in calls]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers
