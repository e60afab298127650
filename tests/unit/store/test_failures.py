"""Why nobody answers for Redis: where it was looked for, the reason, what to do; never a login."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jobindex.demo.ports import free_port
from jobindex.errors import IndexAway
from jobindex.store import opened

CANARY = "canary-7f3a"


@asynccontextmanager
async def answering(reply: bytes | None) -> AsyncIterator[int]:
    """The port of a server that replies this to what comes and ends the connection, or (None) says nothing."""
    end = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply is None:
            await end.wait()
        else:
            await reader.read(10)
            writer.write(reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        end.set()


async def said(url: str) -> str:
    """The same for a command on a connection of its own and for one on the connection that many share."""
    async with opened(url) as store:
        with pytest.raises(IndexAway) as one:
            await store.server.latency()
        with pytest.raises(IndexAway) as shared:
            await store.nonces.spend("0" * 32, 5)
    assert str(one.value) == str(shared.value)
    assert CANARY not in str(one.value)
    return str(one.value)


async def test_administrator_a_port_where_nobody_listens_is_named() -> None:
    port = free_port()
    told = await said(f"redis://user:{CANARY}@127.0.0.1:{port}/0")
    assert f"127.0.0.1:{port}: connection refused" in told
    assert "REDIS_URL" in told


async def test_administrator_a_name_that_nobody_knows_is_named() -> None:
    assert "nowhere.invalid:6379: its name is unknown" in await said(f"redis://:{CANARY}@nowhere.invalid/0")


@pytest.mark.parametrize(
    ("scheme", "reply", "why"),
    [
        ("redis", None, "timed out"),
        ("rediss", None, "timed out"),
        ("redis", b"", "the connection was ended there"),
        ("rediss", b"", "the connection was ended there"),
        ("rediss", b"-ERR unknown command\r\n", "TLS failed"),
    ],
)
async def test_administrator_what_may_be_a_matter_of_tls_is_said_to_be(
    scheme: str, reply: bytes | None, why: str
) -> None:
    async with answering(reply) as port:
        told = await said(f"{scheme}://user:{CANARY}@127.0.0.1:{port}/0")
    assert f"127.0.0.1:{port}: {why}" in told
    assert "rediss://" in told


async def test_administrator_sentinels_that_do_not_answer_are_named() -> None:
    one, other = free_port(), free_port()
    told = await said(f"redis+sentinel://u:{CANARY}@127.0.0.1:{one},127.0.0.1:{other}/main?sentinel_password={CANARY}")
    assert f"127.0.0.1:{one}, 127.0.0.1:{other}: no Sentinel tells where the master is" in told


async def test_administrator_a_socket_that_is_not_there_is_no_file_for_tls() -> None:
    assert "/nowhere.sock: no such socket" in await said("unix:///nowhere.sock")


async def test_administrator_clients_are_not_told_where_redis_is() -> None:
    for kind in (IndexAway("Redis is away"), await _refused()):
        assert "127.0.0.1" not in kind.for_clients
    assert "connection refused" in kind.for_clients


async def _refused() -> IndexAway:
    async with opened(f"redis://127.0.0.1:{free_port()}/0") as store:
        with pytest.raises(IndexAway) as away:
            await store.server.latency()
    return away.value
