"""What was removed leaves Redis's disk too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.store import Store, opened

CANARY = "CANARY-OF-A-PATIENT"


@pytest.fixture
async def durable(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a Redis that keeps an append-only file and snapshots in `tmp_path`."""
    server = build_redis(tmp_path, free_port(), ["--appendonly", "yes", "--save", "3600 1"])
    await server.process.start()
    yield server.url
    await server.process.stop()


def kept(folder: Path) -> bytes:
    """All that Redis has on its disk."""
    files = [*folder.rglob("*.aof"), *folder.rglob("*.rdb")]
    return b"".join(file.read_bytes() for file in files)


async def test_what_was_removed_is_on_no_file_any_more(durable: str, tmp_path: Path) -> None:
    async with opened(durable) as store, Redis.from_url(durable) as redis:
        await redis.set("x", CANARY)
        await redis.save()
        await redis.delete("x")
        assert CANARY.encode() in kept(tmp_path)
        assert await store.disk.rewrite() == ["BGREWRITEAOF: ok", "BGSAVE: ok"]
        assert CANARY.encode() not in kept(tmp_path)


async def test_a_user_who_may_not_is_told_so(durable: str) -> None:
    async with Redis.from_url(durable) as redis:
        await redis.execute_command("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-bgrewriteaof", "-config")
    async with opened(durable.replace("redis://", "redis://u:p@")) as store:
        (told,) = await store.disk.rewrite()
        assert "may not run BGREWRITEAOF" in told


async def test_a_redis_that_keeps_nothing_is_told_so(store: Store, redis: Redis) -> None:
    config = await redis.config_get("save")
    assert config["save"] == ""
    assert await store.disk.rewrite() == ["This Redis keeps nothing on its disk"]
