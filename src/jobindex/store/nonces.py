"""The nonces in Redis: what makes a signed report count once, on whichever replica."""

import secrets
from typing import Any

from jobindex.store import keys
from jobindex.store.connect import translated
from jobindex.store.line import Line


class Nonces:
    """Remembers nonces for as long as their signatures could count; may raise IndexAway."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def spend(self, nonce: str, lasts: int) -> bool:
        """Whether it was not used before; now it is, for `lasts` ms.

        A command whose connection broke is sent once more, so the answer may be our own word of the first time.
        """
        word = secrets.token_hex(8)
        with translated():
            found: Any = await self._line.ask("SET", keys.key(keys.NONCE, nonce), word, "PX", lasts, "NX", "GET")
        return found is None or bytes(found) == word.encode()
