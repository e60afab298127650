"""The Redis server itself: what it says of itself, and of us."""

import time
from contextlib import suppress
from typing import Any

from redis.exceptions import NoPermissionError, RedisError

from jobindex.model.index_server import IndexServer
from jobindex.store.connect import Clients, translated

SECTIONS = ("server", "memory", "persistence")


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
