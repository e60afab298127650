"""Redis's set-up, on real servers: an evicting one is refused at the start and told of later."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.service.condition import Condition, IndexUnfit
from jobindex.store import Store, opened

EVICTING = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random"]
EVICTING += ["volatile-ttl"]


@pytest.fixture
async def policy(redis: Redis) -> AsyncIterator[object]:
    async def change(policy: str) -> None:
        await redis.config_set("maxmemory-policy", policy)

    yield change
    await change("noeviction")


@pytest.mark.parametrize("name", EVICTING)
async def test_every_evicting_policy_is_refused_at_the_start(store: Store, policy: object, name: str) -> None:
    await policy(name)  # type: ignore[operator]
    with pytest.raises(IndexUnfit, match=f"{name}.*set `maxmemory-policy noeviction`"):
        await Condition(store.server).at_start()


async def test_a_policy_that_is_changed_later_is_told_of_and_forgotten(store: Store, policy: object) -> None:
    condition = Condition(store.server)
    await condition.at_start()
    before = condition.warnings
    await policy("volatile-ttl")  # type: ignore[operator]
    await condition.look_due()
    assert "volatile-ttl" in condition.warnings[0]
    await policy("noeviction")  # type: ignore[operator]
    await condition.look_due()
    assert condition.warnings == before


async def test_a_redis_that_comes_later_is_looked_at_then(tmp_path: Path) -> None:
    server = build_redis(tmp_path, free_port(), ["--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"])
    async with opened(server.url) as store:
        condition = Condition(store.server)
        await condition.at_start()
        assert condition.warnings == ()
        await server.process.start()
        try:
            await condition.look_due()
        finally:
            await server.process.stop()
        assert "allkeys-lru" in condition.warnings[0]
