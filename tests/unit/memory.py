"""A Redis that has no memory left, for as long as a test wants it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from jobindex.store import keys
from jobindex.store.keys import key


@asynccontextmanager
async def full(redis: Redis, over: int = 1) -> AsyncIterator[None]:
    """Redis has so many bytes more than it may have, or as few more as can be: what it has used changes as it tells."""
    try:
        while not await has_none_left(redis, over):
            over *= 2
        yield
    finally:
        await redis.config_set("maxmemory", 0)


async def has_none_left(redis: Redis, over: int) -> bool:
    used = await redis.info("memory")
    await redis.config_set("maxmemory", used["used_memory"] - used["mem_not_counted_for_evict"] - over)
    try:
        await redis.set(key(keys.TOKEN, "probe"), "x", px=1000)
    except OutOfMemoryError:
        return True
    return False
