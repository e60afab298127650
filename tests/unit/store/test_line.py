"""A question on a connection of its own is answered whatever became of the one before."""

import asyncio

import pytest
from redis.asyncio import Redis

from jobindex.store.connect import connected
from jobindex.store.line import Line

PLACE = "{jobindex}:place"


async def test_those_who_ask_at_once_are_answered_one_after_the_other(redis: Redis) -> None:
    line = Line(redis.connection_pool, "INCR", PLACE)
    assert await asyncio.gather(*(line.ask() for _ in range(20))) == list(range(1, 21))


async def test_an_answer_that_nobody_waited_for_is_nobody_elses(redis: Redis, redis_url: str) -> None:
    line = Line(redis.connection_pool, "BLPOP", PLACE, "0")
    with pytest.raises(TimeoutError):
        await line.ask()
    async with Redis.from_url(redis_url) as other:
        await other.rpush(PLACE, "for the first")
        await other.delete(PLACE)
        await other.rpush(PLACE, "for the second")
    assert await line.ask() == [PLACE.encode(), b"for the second"]


async def test_a_broken_connection_is_made_anew(redis: Redis, redis_url: str) -> None:
    async with connected(redis_url) as clients:
        line = Line(clients.commands.connection_pool, "ECHO", "here")
        assert await line.ask() == b"here"
        await redis.client_kill_filter(_type="normal", skipme=True)
        assert await line.ask() == b"here"
