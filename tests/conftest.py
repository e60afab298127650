"""A real Redis for every test that asks for one, and the store on it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from jobindex.demo.installed import NotInstalled, redis_program
from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.store import Store, opened
from jobindex.store.invariants import breaches


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of this run; where none is installed, skipped at home and failed in CI."""
    try:
        redis_program()
    except NotInstalled as missing:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))
    server = build_redis(tmp_path_factory.mktemp("redis"), free_port())
    asyncio.run(server.process.start())
    yield server.url
    asyncio.run(server.process.stop())


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The same Redis, emptied."""
    with Redis.from_url(redis_server) as redis:
        redis.flushall()
    return redis_server


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    """A client that looks behind the store, or breaks what is there."""
    async with AsyncRedis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
async def store(redis: AsyncRedis, redis_url: str) -> AsyncIterator[Store]:
    """The store; whatever a test does through it, the invariants must hold afterwards."""
    async with opened(redis_url) as store:
        yield store
    assert await breaches(redis) == []
