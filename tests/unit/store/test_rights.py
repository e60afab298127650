"""The users that are shipped for Redis: each may do its work on a real server, and nothing besides."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from jobindex.demo.ports import free_port
from jobindex.demo.process import NotStarted
from jobindex.demo.redis import build_redis
from jobindex.store import Store
from jobindex.store.rights import CONNECTING, NEEDED

from ...access import SENTINEL_USERS, USERS, logged_in
from ...builders import registered, told, word

P = "{jobindex}:"
FORBIDDEN: list[tuple[str, ...]] = [
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
    ("KEYS", "*"),
    ("MONITOR",),
    ("DEBUG", "SLEEP", "0"),
    ("SAVE",),
    ("SHUTDOWN",),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "me", "on"),
    ("CLIENT", "LIST"),
    ("SLOWLOG", "GET"),
    ("MODULE", "LIST"),
    ("REPLICAOF", "NO", "ONE"),
    ("EVAL", "return 1", "0"),
    ("FUNCTION", "LIST"),
    ("PUBLISH", "x", "y"),
    ("SUBSCRIBE", "x"),
    ("GET", "another application's"),
    ("SET", "another application's", "x"),
]
HIDDEN = "local old = redis.call('GET', 'another application\\'s') return old"

As = Callable[[str], Redis]


@pytest.fixture
def as_user(redis_url: str) -> As:
    return lambda user: Redis.from_url(logged_in(redis_url, user), driver_info=None)


def granted(user: str) -> set[str]:
    line = next(line for line in USERS.read_text().splitlines() if line.startswith(f"user {user} "))
    return {part[1:] for part in line.split() if part.startswith("+")}


def test_the_service_may_exactly_what_it_needs() -> None:
    assert granted("jobindex") == CONNECTING | set(NEEDED)


def test_purging_adds_only_what_rewrites_the_files_of_redis() -> None:
    assert granted("jobindex-purge") - granted("jobindex") == {"bgrewriteaof", "bgsave"}


@pytest.mark.parametrize("file", [USERS, SENTINEL_USERS])
def test_nobody_is_let_in_without_a_password(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0] == "user default off"
    assert all(f" on #sha256-of-the-password-of-{line.split()[1]} " in line for line in lines[1:])


async def test_with_passwords_that_nobody_replaced_redis_does_not_start(tmp_path: Path) -> None:
    server = build_redis(tmp_path, free_port(), ["--aclfile", str(USERS)])
    with pytest.raises(NotStarted, match="password hash must be"):
        await server.process.start()


@pytest.mark.parametrize("user", ["jobindex", "jobindex-purge", "jobindex-reader", "jobindex-metrics"])
@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
async def test_what_is_not_needed_is_refused(as_user: As, user: str, command: tuple[str, ...]) -> None:
    async with as_user(user) as redis:
        with pytest.raises(ResponseError, match=r"(?i)no permissions|not allowed"):  # DEBUG is allowed to nobody
            await redis.execute_command(*command)


async def test_a_script_gets_no_further_than_its_user(as_user: As) -> None:
    async with as_user("jobindex") as redis:
        digest = await redis.script_load(HIDDEN)
        with pytest.raises(ResponseError, match=r"permission|access"):
            await redis.evalsha(digest, 0)


async def test_nothing_is_refused_to_the_service(store: Store, redis: Redis) -> None:
    await redis.acl_log_reset()
    await registered(store, "a")
    await told(store, word(1), word(2, "Success"))
    await store.server.described()
    assert await store.server.lacking() == []
    assert await redis.acl_log() == []


async def test_what_the_service_lacks_is_named_and_nothing_is_changed(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    before = await contents(redis)
    await redis.execute_command("ACL SETUSER", "jobindex", "-zadd")
    try:
        assert await store.server.lacking() == ["zadd"]
    finally:
        await redis.execute_command("ACL SETUSER", "jobindex", "+zadd")
    assert await contents(redis) == before


async def contents(redis: Redis) -> dict[bytes, Any]:
    return {name: await redis.dump(name) async for name in redis.scan_iter() if b":beat:" not in name}


async def test_excess_is_named(store: Store, redis: Redis) -> None:
    assert await store.server.excess() == []
    await redis.execute_command("ACL SETUSER", "jobindex", "+config|get", "+keys")
    try:
        assert await store.server.excess() == ["config|get", "keys"]
    finally:
        await redis.execute_command("ACL SETUSER", "jobindex", "-config|get", "-keys")


READS: list[tuple[str, Callable[[Redis], Awaitable[Any]]]] = [
    ("jobindex-reader", lambda redis: redis.hgetall(P + "nodes")),
    ("jobindex-reader", lambda redis: redis.xrevrange(P + "changes")),
    ("jobindex-reader", lambda redis: redis.smembers(P + "state:Running")),
    ("jobindex-reader", lambda redis: redis.ttl(P + "beat:a")),
    ("jobindex-reader", lambda redis: redis.info()),
    ("jobindex-metrics", lambda redis: redis.info()),
    ("jobindex-purge", lambda redis: redis.bgrewriteaof()),
]


@pytest.mark.parametrize(("user", "read"), READS)
async def test_the_others_may_do_their_work(as_user: As, user: str, read: Callable[[Redis], Awaitable[Any]]) -> None:
    async with as_user(user) as redis:
        await read(redis)


@pytest.mark.parametrize("user", ["jobindex-reader", "jobindex-metrics"])
async def test_who_looks_changes_nothing(as_user: As, user: str) -> None:
    async with as_user(user) as redis:
        with pytest.raises(NoPermissionError):
            await redis.hdel(P + "nodes", "a")


async def test_who_counts_sees_no_job(as_user: As) -> None:
    async with as_user("jobindex-metrics") as redis:
        with pytest.raises(NoPermissionError):
            await redis.hgetall(P + "jobs")
