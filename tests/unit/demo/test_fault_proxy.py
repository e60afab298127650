"""A stretch of network passes everything on, and goes bad in each of its ways."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.ports import LOOPBACK

from ..waiting import until

SOON = 0.2  # seconds in which nothing comes; what does come takes a thousandth of that

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, LOOPBACK, 0)
    proxy = FaultProxy(server.sockets[0].getsockname()[1])
    await proxy.heal()
    yield proxy
    await proxy.close()
    server.close()


async def call(proxy: FaultProxy) -> Line:
    return await asyncio.open_connection(LOOPBACK, proxy.port)


async def said(line: Line, text: bytes) -> bytes:
    """What comes back; TimeoutError where nothing does."""
    line[1].write(text)
    return await asyncio.wait_for(line[0].readexactly(len(text)), SOON)


async def hang_up(*lines: Line) -> None:
    for _, writer in lines:
        writer.close()


async def test_it_passes_on(proxy: FaultProxy) -> None:
    line = await call(proxy)
    assert await said(line, b"hello") == b"hello"
    await hang_up(line)


async def test_what_was_held_up_comes_late(proxy: FaultProxy) -> None:
    line = await call(proxy)
    proxy.stall()
    with pytest.raises(TimeoutError):
        await said(line, b"hello")
    await proxy.heal()
    assert await line[0].readexactly(5) == b"hello"
    await hang_up(line)


async def test_where_it_drops_no_connection_comes_about_and_old_ones_wait(proxy: FaultProxy) -> None:
    line = await call(proxy)
    proxy.drop()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call(proxy), SOON)
    with pytest.raises(TimeoutError):
        await said(line, b"hello")
    await proxy.heal()
    other = await call(proxy)
    assert await said(other, b"yes") == b"yes"
    assert await line[0].readexactly(5) == b"hello"
    await hang_up(line, other)


async def test_where_it_refuses_it_is_as_if_nobody_listened(proxy: FaultProxy) -> None:
    line = await call(proxy)
    assert await said(line, b"hello") == b"hello"
    proxy.refuse()
    with pytest.raises(ConnectionResetError):
        await line[0].readexactly(1)
    with pytest.raises(ConnectionRefusedError):
        await call(proxy)
    await proxy.heal()
    other = await call(proxy)
    assert await said(other, b"yes") == b"yes"
    await hang_up(other)


async def test_a_reset_spares_new_connections(proxy: FaultProxy) -> None:
    line = await call(proxy)
    assert await said(line, b"hello") == b"hello"
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await line[0].readexactly(1)
    other = await call(proxy)
    assert await said(other, b"yes") == b"yes"
    await hang_up(other)


async def test_an_answer_is_cut_after_so_many_bytes(proxy: FaultProxy) -> None:
    proxy.cut_after = 3
    line = await call(proxy)
    line[1].write(b"hello")
    assert await line[0].read(100) == b"hel"
    assert await line[0].read(100) == b""
    await hang_up(line)


async def test_latency_is_for_each_way(proxy: FaultProxy) -> None:
    proxy.latency = 0.1
    line = await call(proxy)
    loop = asyncio.get_running_loop()
    began = loop.time()
    line[1].write(b"x")
    assert await line[0].readexactly(1) == b"x"
    assert loop.time() - began >= 0.2
    await hang_up(line)


async def test_it_counts_the_requests_that_passed(proxy: FaultProxy) -> None:
    line = await call(proxy)
    await said(line, b"POST /jobs/x/cancel HTTP/1.1\r\nHost: y\r\n\r\n")
    await hang_up(line)
    await until(lambda: proxy.asked == {"POST /jobs/x/cancel": 1})
