"""How commands are put into Redis's protocol: by hiredis, for redis-py's asyncio connections do that in Python.

A report of 200 jobs is 1,600 arguments; packing them in Python costs more than the check of their JSON.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool, Connection, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from jobindex.deadline import Deadline


def pack(command: Sequence[str | bytes | int]) -> bytes:
    """A command and its arguments."""
    packed: bytes = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # it takes strings too
    return packed


class Packed(Connection):
    """A connection whose commands hiredis packs; its failures say where, and the loop's own lag is no time-out."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """A command's name may be two words (`SCRIPT LOAD`), which Redis takes as two arguments."""
        words: Any = (*args[0].split(), *args[1:])
        return [hiredis.pack_command(words)]

    async def _connect(self) -> None:
        try:
            await super()._connect()  # type: ignore[no-untyped-call]  # redis-py's
        except TimeoutError as error:
            raise TimeoutError(f"Timeout connecting to {self._host_error()}") from error

    async def read_response(self, disable_decoding: bool = False, timeout: float | None = None, **options: Any) -> Any:
        try:
            if timeout is not None or self.socket_timeout is None:
                return await super().read_response(disable_decoding, timeout, **options)
            async with Deadline(self.socket_timeout):
                return await super().read_response(disable_decoding, inf, **options)
        except TimeoutError as error:
            if options.get("disconnect_on_error", True):
                await self.disconnect(nowait=True)
            raise RedisTimeoutError(f"Timeout reading from {self._host_error()}") from error
        except RedisConnectionError as error:
            if type(error) is not RedisConnectionError:
                raise  # a refusal, such as of a login
            raise RedisConnectionError(f"Connection closed by {self._host_error()}") from error


class PackedByTls(Packed, SSLConnection):
    """The same with TLS."""


_KINDS: dict[Any, type[Packed]] = {Connection: Packed, SSLConnection: PackedByTls}


def packed(pool: BlockingConnectionPool) -> BlockingConnectionPool:
    """The pool, whose connections pack so; those through a Unix socket stay as they are."""
    pool.connection_class = _KINDS.get(pool.connection_class, pool.connection_class)
    return pool
