"""The Redis server itself: what it says of itself, and of us."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError

from jobindex.model.index_server import IndexServer
from jobindex.store import keys, rights
from jobindex.store.connect import Clients, translated
from jobindex.store.invariants import breaches

SECTIONS = ("server", "memory", "persistence")
OURS = keys.PREFIX.replace("{", "[{]").replace("}", "[}]") + "*"
MOST_WALKED = 200_000
"""Jobs that a walk over the keyspace takes into memory; all that is read of them is there at once."""


class Server:
    """Reads; every method may raise IndexAway."""

    def __init__(self, clients: Clients, plain: tuple[str, ...]) -> None:
        self._clients = clients
        self._plain = plain

    async def described(self) -> IndexServer:
        """What bears on the safety of what is kept in it."""
        with translated():
            told = {name: value for section in SECTIONS for name, value in (await self._info(section)).items()}
            user = await self._user()
        return IndexServer(
            version=str(told.get("valkey_version") or told.get("redis_version", "")),
            policy=str(told.get("maxmemory_policy", "")),
            memory=int(told.get("used_memory", 0)),
            most_memory=int(told.get("maxmemory", 0)),
            append_only=bool(told.get("aof_enabled")),
            append_only_works=told.get("aof_last_write_status", "ok") == "ok",
            user=user,
            open_to_all=await self._open_to_all(),
            plain=self._plain,
        )

    async def latency(self) -> float:
        """Seconds for one question."""
        began = time.perf_counter()
        with translated():
            await self._clients.commands.time()
        return time.perf_counter() - began

    async def clock(self) -> float:
        """Redis's, in seconds since 1970."""
        with translated():
            seconds, micros = await self._clients.commands.time()
        return float(seconds) + float(micros) / 1e6

    async def quorum(self) -> dict[str, str]:
        """Each Sentinel, and why it could not put another master in place; "" where it could."""
        return await self._clients.master.quorum() if self._clients.master else {}

    async def breaches(self) -> list[str] | None:
        """What is broken in the keyspace, and still is at a second look; None where it is too large to walk."""
        redis = self._clients.commands
        with translated():
            if await redis.hlen(keys.key(keys.JOBS)) > MOST_WALKED:
                return None
            first = await breaches(redis, OURS)
            second = await breaches(redis, OURS) if first else []
        return [breach for breach in first if breach in second]

    async def lacking(self) -> list[str]:
        """The commands that our user needs and may not use."""
        return await self._refused(rights.NEEDED)

    async def excess(self) -> list[str]:
        """What our user may do that an index never needs."""
        refused = await self._refused(rights.BEYOND)
        return [command for command in rights.BEYOND if command not in refused]

    async def _refused(self, commands: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Those that Redis does not take into a transaction, which is thrown away in any case."""
        pool: Any = self._clients.commands.connection_pool
        with translated():
            connection = await pool.get_connection()
            try:
                return [command for command in commands if not await _taken(connection, command, commands[command])]
            finally:
                await connection.disconnect()
                await pool.release(connection)

    async def _info(self, section: str) -> dict[str, Any]:
        return await self._clients.commands.info(section)

    async def _user(self) -> str:
        """Our own name; "" where the ACL does not let us ask."""
        with suppress(NoPermissionError):
            user = await self._clients.commands.acl_whoami()
            return user.decode() if isinstance(user, bytes) else user
        return ""

    async def _open_to_all(self) -> bool:
        try:
            return bool(await self._clients.nobody.ping())
        except (RedisError, OSError, TimeoutError):
            return False


async def _taken(connection: Any, command: str, arguments: tuple[str, ...]) -> bool:
    """Whether the command may stand in a transaction; its answer is `QUEUED`, which only a bare connection can read.

    A server without memory takes none, but looks at the rights first.
    """
    await _said(connection, "MULTI")
    try:
        await _said(connection, *rights.words(command), *arguments)
    except NoPermissionError:
        return False
    except OutOfMemoryError:
        return True
    finally:
        await _said(connection, "DISCARD")
    return True


async def _said(connection: Any, *words: str) -> None:
    await connection.send_command(*words)
    await connection.read_response()
