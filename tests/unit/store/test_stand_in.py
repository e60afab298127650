"""The verbs on a Redis that is none: what must not hang on the server that happens to run them."""

from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis

from jobindex.store import Store
from jobindex.store.connect import Clients
from jobindex.store.invariants import breaches

from ...builders import known, registered, word


@pytest.fixture
async def stand_in() -> AsyncIterator[Redis]:
    async with FakeAsyncRedis() as redis:
        yield redis


async def test_a_server_that_does_not_tell_its_run_id_has_one_epoch_all_the_same(stand_in: Redis) -> None:
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
