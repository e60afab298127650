"""The Lua verbs: one file each, every one preceded by `shared.lua`, each run as one atomic step."""

import secrets
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from jobindex.store.keys import FIXED, key

_FOLDER = Path(__file__).parent / "lua"
_SHARED = (_FOLDER / "shared.lua").read_text()
_VERBS = [file.stem for file in sorted(_FOLDER.glob("*.lua")) if file.stem != "shared"]
_KEYS = [key(each) for each in FIXED]


class Scripts:
    """The verbs of one connection pool; a script that the server has forgotten is sent again by redis-py."""

    def __init__(self, redis: "Redis") -> None:
        self._verbs: dict[str, AsyncScript] = {
            verb: redis.register_script(_SHARED + (_FOLDER / f"{verb}.lua").read_text()) for verb in _VERBS
        }

    async def run(self, verb: str, *arguments: str | bytes | int) -> Any:
        """Run a verb.  The first argument that scripts see is a word for a new epoch, should this begin one."""
        word = secrets.token_hex(4)
        return await cast("Awaitable[Any]", self._verbs[verb](keys=_KEYS, args=[word, *arguments]))
