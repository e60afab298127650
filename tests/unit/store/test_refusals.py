"""Redis's own refusals: quoted whole behind their code word, with what to do, wherever they come from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from jobindex.errors import IndexAway
from jobindex.store import Store, opened

from ...access import logged_in, password
from ...builders import registered, told, word

REPLIES = {
    "READONLY You can't write against a read only replica.": "redis+sentinel://",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.": "disk",
    "LOADING Redis is loading the dataset in memory": "wait",
    "CLUSTERDOWN The cluster is down": "cluster info",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.": "master",
    "NOREPLICAS Not enough good replicas to write.": "min-replicas-to-write",
    "OOM command not allowed when used memory > 'maxmemory'.": "maxmemory",
    "NOPERM User jobindex has no permissions to run the 'evalsha' command": "users.acl",
    "SOMENEW refusal that nobody knows yet": "SOMENEW",
}
"""What Redis replies, and a word of what is to be done about it."""


@asynccontextmanager
async def replying(reply: str) -> AsyncIterator[str]:
    """The address of a server that takes a login and replies this to everything else."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words = [await _word(reader) for _ in range(int(head[1:]))]
            greets = words[0].upper() in (b"CLIENT", b"SELECT", b"AUTH", b"HELLO")
            writer.write(b"+OK\r\n" if greets else f"-{reply}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def _word(reader: asyncio.StreamReader) -> bytes:
    length = int((await reader.readline())[1:])
    return (await reader.readexactly(length + 2))[:-2]


@pytest.mark.parametrize("reply", REPLIES)
async def test_in_use_a_refusal_is_quoted_whole_with_what_to_do(reply: str) -> None:
    async with replying(reply) as url, opened(url) as store:
        for asked in (
            store.nodes.everything(),
            store.jobs.fetch(["x"]),
            store.nodes.forget("a"),
            store.changes.begin(),
        ):
            with pytest.raises(IndexAway) as refused:
                await asked
            assert reply in str(refused.value)
            assert REPLIES[reply] in str(refused.value)


async def test_in_use_a_right_that_is_lacking_is_named_with_its_word(
    store: Store, redis: Redis, redis_url: str
) -> None:
    """And in the words of the server that runs."""
    await registered(store, "a")
    await redis.execute_command("ACL", "SETUSER", "poor", "reset", "on", f">{password('poor')}", "~*", "+@read")
    try:
        async with opened(logged_in(redis_url, "poor")) as poor:
            with pytest.raises(IndexAway, match=r"NOPERM .*'?evalsha'? .*users\.acl"):
                await told(poor, word(1))
    finally:
        await redis.execute_command("ACL", "DELUSER", "poor")


async def test_in_use_a_replica_s_refusal_is_quoted(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(
            IndexAway, match=r"READONLY You can't write against a read only replica.*redis\+sentinel://"
        ):
            await told(store, word(1))
    finally:
        await redis.execute_command("REPLICAOF", "NO", "ONE")
