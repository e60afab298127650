"""How commands are put into Redis's protocol: by hiredis, for redis-py's asyncio connections do that in Python.

A report of 200 jobs is 1,600 arguments; packing them in Python costs more than the check of their JSON.
"""

from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool, Connection, SSLConnection


def pack(command: Sequence[str | bytes | int]) -> bytes:
    """A command and its arguments."""
    packed: bytes = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # it takes strings too
    return packed


class Packed(Connection):
    """A connection whose commands hiredis packs."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """A command's name may be two words (`SCRIPT LOAD`), which Redis takes as two arguments."""
        words: Any = (*args[0].split(), *args[1:])
        return [hiredis.pack_command(words)]


class PackedByTls(Packed, SSLConnection):
    """The same with TLS."""


_KINDS: dict[Any, type[Packed]] = {Connection: Packed, SSLConnection: PackedByTls}


def packed(pool: BlockingConnectionPool) -> BlockingConnectionPool:
    """The pool, whose connections pack so; those through a Unix socket stay as they are."""
    pool.connection_class = _KINDS.get(pool.connection_class, pool.connection_class)
    return pool
