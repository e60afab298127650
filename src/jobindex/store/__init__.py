"""The only room that knows Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from jobindex.store.changes import Changes
from jobindex.store.connect import connected
from jobindex.store.disk import Disk
from jobindex.store.due import Due
from jobindex.store.jobs import Jobs
from jobindex.store.nodes import Nodes
from jobindex.store.nonces import Nonces
from jobindex.store.scripts import Scripts


class Store:
    """The index: one noun an attribute."""

    def __init__(self, redis: Redis, tail: Redis) -> None:
        scripts = Scripts(redis)
        self.jobs = Jobs(redis, scripts)
        self.nodes = Nodes(redis, scripts)
        self.nonces = Nonces(redis)
        self.changes = Changes(redis, tail, scripts)
        self.disk = Disk(redis)
        self.late, self.visit, self.reap = (Due(redis, scripts, chore) for chore in ("late", "visit", "reap"))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """The store at a Redis address; it connects when first used."""
    async with connected(url) as (redis, tail):
        yield Store(redis, tail)
