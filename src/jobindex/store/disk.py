"""What Redis has on its disk, which holds what was removed until it is written anew."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from jobindex.store.connect import translated
from jobindex.store.reasons import reply

LOOKS = 0.1
WITHIN = 60.0
"""Seconds that a rewriting is waited for."""

_NOT_ALLOWED = (
    "This user of Redis may not run {0}, so removed jobs stay on its disk: do the same as user jobindex-purge, or run"
    " redis-cli --user jobindex-purge --askpass {0}"
)


class Disk:
    """Has Redis write its files anew; every method may raise IndexAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def rewrite(self) -> list[str]:
        """Write the append-only file and the snapshot anew, where there are such; what was done, in sentences."""
        told = []
        if await self._info("aof_enabled") == 1:
            told.append(await self._run("BGREWRITEAOF", "aof_rewrite_in_progress", "aof_last_bgrewrite_status"))
        if await self._keeps_snapshots():
            told.append(await self._run("BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status"))
        return told or ["This Redis keeps nothing on its disk"]

    async def _keeps_snapshots(self) -> bool:
        """Where that can't be found out, one that was taken since the start says yes."""
        with translated():
            try:
                return bool((await self._redis.config_get("save")).get("save"))
            except (NoPermissionError, ResponseError):
                return int(await self._info("rdb_saves") or 0) > 0

    async def _run(self, command: str, going: str, ended: str) -> str:
        with translated():
            try:
                await self._redis.execute_command(command)
            except NoPermissionError:
                return _NOT_ALLOWED.format(command)
            except ResponseError as error:
                return (
                    f"{command} was refused ({reply(error)}): run it again later, or removed jobs stay on Redis's disk"
                )
        try:
            async with asyncio.timeout(WITHIN):
                while await self._info(going):  # noqa: ASYNC110 - Redis tells nobody when it is done
                    await asyncio.sleep(LOOKS)
        except TimeoutError:
            return f"{command} is still going on"
        return f"{command}: {await self._info(ended)}"

    async def _info(self, name: str) -> Any:
        with translated():
            return (await self._redis.info("persistence")).get(name)
