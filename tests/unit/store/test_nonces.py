"""A nonce is good once, and is forgotten when its signature counts no more."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from jobindex.store import Store, line
from jobindex.store.invariants import breaches

NONCE = "0f" * 16
KEY = "{jobindex}:nonce:" + NONCE


async def test_a_nonce_is_good_once(store: Store) -> None:
    assert await store.nonces.spend(NONCE, 60_000)
    assert not await store.nonces.spend(NONCE, 60_000)
    assert await store.nonces.spend("1f" * 16, 60_000)


async def test_of_several_at_once_one_gets_it(store: Store) -> None:
    spent = await asyncio.gather(*(store.nonces.spend(NONCE, 60_000) for _ in range(4)))
    assert sum(spent) == 1


async def test_it_is_kept_as_long_as_told_and_a_second_try_prolongs_nothing(store: Store, redis: Redis) -> None:
    await store.nonces.spend(NONCE, 60_000)
    await store.nonces.spend(NONCE, 120_000)
    assert 0 < await redis.pttl(KEY) <= 60_000
    assert await breaches(redis) == []


async def test_a_command_that_is_sent_again_is_not_taken_for_a_replay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after Redis has done it and before we are told."""
    read, lost = line._next_answer, []

    async def lose_the_first(connection: AbstractConnection) -> object:
        answer = await read(connection)
        if not lost:
            lost.append(answer)
            raise RedisConnectionError
        return answer

    monkeypatch.setattr(line, "_next_answer", lose_the_first)
    assert await store.nonces.spend(NONCE, 60_000)
    assert lost == [None]
    assert not await store.nonces.spend(NONCE, 60_000)
