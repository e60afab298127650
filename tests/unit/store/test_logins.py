"""Guesses counted in Redis: by the same rules as in memory, and forgotten in time."""

import random

import pytest
from redis.asyncio import Redis

from jobindex.auth.attempts import PATIENCE_S, WINDOW_S, LocalAttempts
from jobindex.model.login_attempt import ACCEPTED_S, Attempt
from jobindex.store import Store

START = 1_000_000.0


def attempt(guess: str, user: str = "u") -> Attempt:
    return Attempt(f"{user}-{guess}", user, "address")


async def test_who_comes_again_after_a_while_is_asked_beyond_the_limit_and_only_one_is(store: Store) -> None:
    logins = store.logins
    assert [await logins.ask(attempt(guess), 2, START) for guess in "ab"] == [0, 0]
    assert [await logins.ask(attempt(guess), 2, START) for guess in "cd"] == [PATIENCE_S, PATIENCE_S]
    later = START + PATIENCE_S
    assert [await logins.ask(attempt(guess), 2, later) for guess in "ecd"] == [PATIENCE_S, 0, WINDOW_S - PATIENCE_S]


@pytest.mark.parametrize("accepted", [True, False])
async def test_what_was_no_failure_counts_no_more(store: Store, accepted: bool) -> None:
    for number in range(3):
        assert await store.logins.ask(attempt(str(number)), 1, START) == 0
        await store.logins.settle(attempt(str(number)), accepted=accepted)
    assert await store.logins.ask(attempt("0"), 1, START) == (-0.001 if accepted else 0)
    assert await store.logins.was_accepted("u-1") == accepted


async def test_what_is_kept_has_an_end(store: Store, redis: Redis) -> None:
    await store.logins.ask(attempt("a"), 1)
    await store.logins.ask(attempt("b"), 1)
    await store.logins.settle(attempt("c"), accepted=True)
    ttls = {name.decode(): await redis.pttl(name) for name in await redis.keys("*login*") + await redis.keys("*accep*")}
    assert len(ttls) == 4
    assert all(0 < ttl <= (ACCEPTED_S if "accepted" in name else WINDOW_S) * 1000 for name, ttl in ttls.items())


@pytest.mark.parametrize("seed", range(5))
async def test_redis_and_memory_go_by_the_same_rules(store: Store, seed: int) -> None:
    chosen, memory, now = random.Random(seed), LocalAttempts(), START
    for _ in range(300):
        now += chosen.choice((0, 1, 2, 4, 8))
        guess = attempt(chosen.choice("abcdefgh"), chosen.choice("uvw"))
        told = await store.logins.ask(guess, 2, now), await memory.ask(guess, 2, now)
        assert round(told[0], 3) == round(told[1], 3), now
        if chosen.random() < 0.1:
            for each in (store.logins, memory):
                await each.settle(guess, accepted=False)
