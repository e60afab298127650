"""A question is answered with what it asked, whatever became of those before and beside it."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from jobindex.store import line as lines
from jobindex.store.connect import connected
from jobindex.store.line import Line

PLACE = "{jobindex}:place"


async def test_those_who_ask_at_once_are_answered_one_after_the_other(redis: Redis) -> None:
    line = Line(redis.connection_pool)
    assert await asyncio.gather(*(line.ask("INCR", PLACE) for _ in range(20))) == list(range(1, 21))


async def test_what_is_sent_together_is_answered_together(redis: Redis) -> None:
    line = Line(redis.connection_pool)
    first, second = await asyncio.gather(
        line.ask_all([("SET", PLACE, "x"), ("INCR", PLACE), ("GET", PLACE)]), line.ask_all([("ECHO", "a")])
    )
    assert (first[0], first[2], second) == (b"OK", b"x", [b"a"])
    assert isinstance(first[1], ResponseError)
    with pytest.raises(ResponseError):
        await line.ask("INCR", PLACE)
    assert await line.ask("ECHO", "b") == b"b"


async def test_who_leaves_takes_nobody_elses_answer_away(redis: Redis) -> None:
    line = Line(redis.connection_pool)
    await line.ask("ECHO", "warm")
    leaving, staying = (asyncio.create_task(line.ask("ECHO", name)) for name in ("leaving", "staying"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == b"staying"
    assert leaving.cancelled()
    assert await line.ask("ECHO", "next") == b"next"


async def test_who_has_half_an_answer_when_the_connection_breaks_gets_a_whole_one(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, read, count = Line(redis.connection_pool), lines._next_answer, 0

    async def break_at_the_second(connection: AbstractConnection) -> object:
        nonlocal count
        count += 1
        if count == 2:
            raise RedisConnectionError
        return await read(connection)

    monkeypatch.setattr(lines, "_next_answer", break_at_the_second)
    found = await asyncio.gather(line.ask_all([("ECHO", "a"), ("ECHO", "b")]), line.ask("ECHO", "c"))
    assert found == [[b"a", b"b"], b"c"]


async def test_who_is_sent_twice_in_vain_is_told(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(connection: AbstractConnection) -> object:
        raise RedisConnectionError

    line = Line(redis.connection_pool)
    with monkeypatch.context() as patch:
        patch.setattr(lines, "_next_answer", broken)
        with pytest.raises(RedisConnectionError):
            await line.ask("INCR", PLACE)
    assert await line.ask("ECHO", "here") == b"here"


async def test_an_answer_that_nobody_waited_for_is_nobody_elses(redis: Redis, redis_url: str) -> None:
    line = Line(redis.connection_pool)
    with pytest.raises(TimeoutError):
        await line.ask("BLPOP", PLACE, "0")
    async with Redis.from_url(redis_url) as other:
        await other.rpush(PLACE, "for the first")
        await other.delete(PLACE)
        await other.rpush(PLACE, "for the second")
    assert await line.ask("BLPOP", PLACE, "0") == [PLACE.encode(), b"for the second"]


async def test_a_broken_connection_is_made_anew(redis: Redis, redis_url: str) -> None:
    async with connected(redis_url) as clients:
        line = Line(clients.commands.connection_pool)
        assert await line.ask("ECHO", "here") == b"here"
        await redis.client_kill_filter(_type="normal", skipme=True)
        assert await line.ask("ECHO", "here") == b"here"
