"""The Lua verbs: one file each, every one preceded by `shared.lua`, each run as one atomic step.

A verb's first line says what it may: `allow-oom` where it frees memory, ends something or keeps chores going, so that a
full Redis takes it; what has no flag is then refused as a whole, before it has done anything.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from jobindex.store.keys import FIXED, key
from jobindex.store.line import Command, Line

_FOLDER = Path(__file__).parent / "lua"
_SHARED = (_FOLDER / "shared.lua").read_text()
_VERBS = [file.stem for file in sorted(_FOLDER.glob("*.lua")) if file.stem != "shared"]
_KEYS = [key(each) for each in FIXED]


def _script(verb: str) -> str:
    """What has no first line of its own is refused by a full Redis."""
    text = (_FOLDER / f"{verb}.lua").read_text()
    flags, _, rest = text.partition("\n") if text.startswith("#!") else ("#!lua", "", text)
    return f"{flags}\n{_SHARED}{rest}"


def new_word() -> str:
    """What scripts see first: the word for a new epoch, should they begin one, and the name of this call in the log."""
    return secrets.token_hex(4)


class Call(NamedTuple):
    """A verb and its arguments.  The word names this call alone, and stays the same if it is sent again."""

    verb: str
    arguments: Sequence[str | bytes | int]
    word: str


class Scripts:
    """The verbs, asked for on one line."""

    def __init__(self, redis: "Redis", line: Line) -> None:
        self._redis = redis
        self._line = line
        self._verbs: dict[str, AsyncScript] = {verb: redis.register_script(_script(verb)) for verb in _VERBS}

    async def run(self, verb: str, *arguments: str | bytes | int) -> Any:
        """Run a verb; its answer."""
        (answer,) = await self.run_in_turn([Call(verb, arguments, new_word())])
        return answer

    async def run_in_turn(self, calls: Sequence[Call]) -> list[Any]:
        """Run verbs one after the other, sent together; their answers.

        What one of them refuses is raised when all have run.  A script that the server has forgotten is run again with
        those beside it: every script may run twice.
        """
        commands = [self._command(call) for call in calls]
        found = await self._line.ask_all(commands)
        if any(isinstance(answer, NoScriptError) for answer in found):
            await self._teach({call.verb for call in calls})
            found = await self._line.ask_all(commands)
        for answer in found:
            if isinstance(answer, Exception):
                raise answer
        return found

    def _command(self, call: Call) -> Command:
        return ("EVALSHA", self._verbs[call.verb].sha, len(_KEYS), *_KEYS, call.word, *call.arguments)

    async def _teach(self, verbs: set[str]) -> None:
        for verb in verbs:
            await self._redis.script_load(self._verbs[verb].script)
