"""A real Redis for every test that asks for one, and the store on it."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from jobindex.demo.installed import NotInstalled, redis_program
from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.store import Store, opened
from jobindex.store.invariants import breaches

from .access import USERS, logged_in, with_a_way_behind


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of this run; where none is installed, skipped at home and failed in CI."""
    try:
        redis_program()
    except NotInstalled as missing:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))
    folder = tmp_path_factory.mktemp("redis")
    (folder / "users.acl").write_text(with_a_way_behind(USERS))
    server = build_redis(folder, free_port(), ["--aclfile", str(folder / "users.acl")])
    asyncio.run(server.process.start())
    yield server.url
    asyncio.run(server.process.stop())


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The same Redis, emptied; as its default user, who may do everything."""
    with Redis.from_url(redis_server) as redis:
        redis.flushall()
    return redis_server


@pytest.fixture
def index_url(redis_url: str) -> str:
    """The same Redis, as the user that is shipped for the service."""
    return logged_in(redis_url, "jobindex")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    """A client that looks behind the store, or breaks what is there."""
    async with AsyncRedis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
async def store(redis: AsyncRedis, index_url: str) -> AsyncIterator[Store]:
    """The store as the shipped user; whatever a test does through it, the invariants must hold afterwards."""
    async with opened(index_url) as store:
        yield store
    assert await breaches(redis) == []


@pytest.fixture
def strict_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS as Python begins with it from 3.13 on: certificates have to follow RFC 5280 to the letter."""
    made = ssl.create_default_context

    def strict(*arguments: Any, **named: Any) -> ssl.SSLContext:
        context = made(*arguments, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
