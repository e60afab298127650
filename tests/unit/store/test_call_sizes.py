"""No script call is large or holds Redis for long, whatever the size of the jobs in it."""

from collections.abc import Sequence

import orjson
import pytest
from redis.asyncio import Redis

from jobindex.store import Store
from jobindex.store.jobs import Stored, put_calls
from jobindex.store.told import Told

from ...builders import lose, registered, told, word

LARGEST_CALL = 1_000_000
"""Bytes of a script's arguments; a job alone may be a little larger."""
LARGEST_SHARE = 0.5
"""Of the time that all calls hold Redis: one call has all of it where nothing is parted."""


def large(count: int, size: int, at: float = 0, state: str = "Running") -> list[Stored]:
    return [word(number, state, at=at, Content={"Resources": "x" * size}) for number in range(count)]


@pytest.mark.parametrize(("count", "size"), [(200, 20_000), (50, 100_000), (20, 400_000), (3, 999_000)])
def test_bounds_jobs_are_put_in_calls_of_bounded_size(count: int, size: int) -> None:
    words = large(count, size)
    calls = put_calls("a", "a1", words, Told())
    sizes = [sum(len(each) for each in call.arguments if isinstance(each, bytes)) for call in calls]
    assert max(sizes) <= LARGEST_CALL
    assert sum(sizes) == sum(len(each.text) for each in words)


def test_bounds_small_jobs_are_put_as_many_at_once_as_before() -> None:
    assert len(put_calls("a", "a1", large(200, 100), Told())) == 4


@pytest.mark.parametrize("verb", ["put", "put unchanged", "reduce", "restore"])
async def test_bounds_large_jobs_never_hold_redis_for_long(store: Store, redis: Redis, verb: str) -> None:
    await registered(store, "a")
    words = large(20, 400_000)
    await told(store, *words[:1])
    if verb == "reduce":
        await told(store, *words)
    shares = [await _largest_share(redis, store, verb, words, attempt) for attempt in range(1, 4)]
    assert min(shares) <= LARGEST_SHARE


async def test_bounds_a_conclusion_of_large_jobs_is_written_in_pieces(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    words = [word(number) for number in range(20)]
    await told(store, *words)
    longest = {each.id: each for each in large(20, 400_000, state="Failure")}
    conclusions = [(each.id, each.record.line, longest[each.id].text) for each in words]
    await redis.config_resetstat()
    assert await store.jobs.conclude(1, conclusions) == 20
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] >= 8


async def test_a_word_that_differs_in_its_time_stamp_only_costs_no_version_however_long_it_is(store: Store) -> None:
    await registered(store, "a")
    (first,), (second,), (third,) = large(1, 400_000, 1), large(1, 400_000, 2), large(1, 400_001, 3)
    await told(store, first)
    head = await store.changes.head()
    await told(store, second)
    assert await store.changes.head() == head
    await told(store, third)
    assert await store.changes.head() != head
    assert await lose(store) == 0


async def _largest_share(redis: Redis, store: Store, verb: str, words: Sequence[Stored], attempt: int) -> float:
    """How much of the time that all calls held Redis was the longest one's."""
    await redis.config_set("slowlog-log-slower-than", 0)
    await redis.slowlog_reset()
    moved = [Stored(each.id, each.text, word(int(each.id[:8], 16), at=attempt).record) for each in words]
    if verb == "put":
        await told(store, *(Stored(e.id, _changed(e.text, attempt), e.record) for e in moved))
    elif verb == "put unchanged":
        await told(store, *moved)
    elif verb == "reduce":
        lines = await store.jobs.fetch([each.id for each in words])
        assert await store.jobs.reduce([Stored(e.id, e.text, lines[e.id].record) for e in words]) == len(words)
    else:
        await redis.delete("{jobindex}:jobs", "{jobindex}:owners", "{jobindex}:jobs:a", "{jobindex}:state:Running")
        await store.jobs.restore(words)
    called = [each["duration"] for each in await redis.slowlog_get(128) if each["command"].startswith(b"EVALSHA")]
    await redis.config_set("slowlog-log-slower-than", 10_000)
    return max(called) / sum(called)


def _changed(text: bytes, progress: int) -> bytes:
    return orjson.dumps(orjson.loads(text) | {"Progress": progress}, option=orjson.OPT_SORT_KEYS)
