"""Commands go out as redis-py itself would pack them."""

import pytest
from redis.asyncio import BlockingConnectionPool, Connection, Redis, UnixDomainSocketConnection

from jobindex.store.packing import Packed, PackedByTls, packed

COMMANDS = [
    ("SET", "key", b"\x00\xff\r\n", "PX", 15),
    ("SCRIPT LOAD", "return 1"),
    (b"ACL WHOAMI",),
    ("ZADD", "key", 1.5, "größe"),
    ("EVALSHA", "0" * 40, 1, "key", "", b"x" * 100_000),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_the_bytes_are_the_same(command: tuple[str | bytes | float, ...]) -> None:
    assert b"".join(Packed().pack_command(*command)) == b"".join(Connection().pack_command(*command))


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://127.0.0.1:9", Packed),
        ("rediss://127.0.0.1:9", PackedByTls),
        ("unix:///nowhere", UnixDomainSocketConnection),
    ],
)
def test_every_way_to_a_server_keeps_its_kind(url: str, kind: type) -> None:
    assert packed(BlockingConnectionPool.from_url(url)).connection_class is kind


async def test_commands_by_the_dozen_are_answered(redis_url: str) -> None:
    pool = packed(BlockingConnectionPool.from_url(redis_url))
    async with Redis.from_pool(pool) as redis, redis.pipeline(transaction=True) as pipeline:
        for number in range(12):
            pipeline.set("counted", number)
            pipeline.get("counted")
        answers = await pipeline.execute()
    assert answers[1::2] == [str(number).encode() for number in range(12)]
