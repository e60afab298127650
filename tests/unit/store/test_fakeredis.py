"""The verbs on a Redis that is none, in this process: what must not hang on the server that happens to run them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis

from jobindex.store import Store
from jobindex.store.connect import Clients
from jobindex.store.invariants import breaches

from ...builders import known, registered, word


class StandIn(FakeAsyncRedis):
    """fakeredis knows no first line `#!lua` of a script."""

    def register_script(self, script: Any) -> Any:
        return super().register_script(script.partition("\n")[2])


@pytest.fixture
async def stand_in() -> AsyncIterator[Redis]:
    async with StandIn() as redis:
        yield redis


async def test_the_verbs_need_nothing_but_redis_own_commands(stand_in: Redis) -> None:
    store = Store(Clients(stand_in, stand_in, stand_in))
    await registered(store, "a")
    first = await store.changes.head()
    await store.jobs.put("a", "a1", [word(1, "Success")])
    last = await store.changes.head()
    assert first is not None
    assert last is not None
    assert (last.epoch, last.version) == (first.epoch, first.version + 1)
    assert (await stand_in.get("{jobindex}:epoch") or b"").endswith(b" unknown")
    assert (await known(store)).record == word(1, "Success").record
    assert await breaches(stand_in) == []
