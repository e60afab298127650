"""The change log and the epoch: entries are versions, and a new life of the index is never mistaken for the old."""

import asyncio

import pytest
from redis.asyncio import Redis

from jobindex.errors import IndexAway
from jobindex.store import Store, opened
from jobindex.store.changes import Head

from ...builders import job_id, known, node_record, registered, word

EPOCH, VERSION = "{jobindex}:epoch", "{jobindex}:version"


async def head(store: Store) -> Head:
    found = await store.changes.head()
    assert found is not None
    return found


async def after(store: Store, version: int) -> list[tuple[int, str, str]]:
    return [(change.version, change.kind, change.id) for change in await store.changes.after(version)]


async def test_nothing_has_no_head(store: Store) -> None:
    assert await store.changes.head() is None
    await store.changes.begin()
    began = await head(store)
    assert began.version == 1
    assert abs(await store.changes.now() - began.began) < 60_000
    await store.changes.begin()
    assert await head(store) == began


async def test_every_change_is_an_entry_whose_id_is_its_version(store: Store) -> None:
    await store.nodes.register("a", node_record(), 60_000)
    await store.jobs.put("a", "a1", [word(1), word(2)])
    await store.jobs.drop([(job_id(1), "")])
    epoch = (await head(store)).epoch
    assert await after(store, 0) == [
        (1, "epoch", epoch),
        (2, "node", "a"),
        (3, "job", job_id(1)),
        (4, "job", job_id(2)),
        (5, "gone", job_id(1)),
    ]
    assert [change.version for change in await store.changes.after(3)] == [4, 5]
    assert (await head(store)).version == 5


async def test_a_log_that_was_cut_shows_a_gap(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await store.jobs.put("a", "a1", [word(number) for number in range(5)])
    last = (await head(store)).version
    await redis.xtrim("{jobindex}:changes", maxlen=2, approximate=False)
    assert [change.version for change in await store.changes.after(1)] == [last - 1, last]


async def test_the_next_change_is_waited_for(store: Store) -> None:
    await registered(store, "a")
    now = (await head(store)).version
    waiting = asyncio.create_task(after(store, now))
    await store.jobs.put("a", "a1", [word(1)])
    assert await waiting == [(now + 1, "job", job_id(1))]


async def test_an_emptied_redis_begins_a_new_epoch_at_version_one(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    before = await head(store)
    await redis.flushall()
    assert await store.changes.head() is None
    await registered(store, "a")
    now = await head(store)
    assert now.epoch != before.epoch
    assert (await after(store, 0))[0] == (1, "epoch", now.epoch)


async def test_another_server_begins_a_new_epoch_and_goes_on_counting(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    before = await head(store)
    await redis.set(EPOCH, f"{before.epoch} {before.began} {'0' * 40}")
    await store.jobs.put("a", "a1", [word(1)])
    now = await head(store)
    assert now.epoch != before.epoch
    assert await after(store, before.version) == [
        (before.version + 1, "epoch", now.epoch),
        (before.version + 2, "job", job_id(1)),
    ]


@pytest.mark.parametrize("lost", [EPOCH, VERSION])
async def test_half_an_epoch_is_none(store: Store, redis: Redis, lost: str) -> None:
    await registered(store, "a")
    before = await head(store)
    await redis.delete(lost)
    assert await store.changes.head() is None
    await store.jobs.put("a", "a1", [word(1)])
    assert (await head(store)).epoch != before.epoch
    assert (await store.changes.after(0))[-1].kind == "job"


async def test_scripts_that_redis_forgot_are_sent_again(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await redis.script_flush()
    await store.jobs.put("a", "a1", [word(1)])
    assert (await known(store)).id == job_id(1)


async def test_a_redis_that_is_away_is_an_error_of_ours() -> None:
    async with opened("redis://127.0.0.1:9/0") as store:
        for asked in (store.changes.head(), store.changes.after(0), store.changes.begin(), store.late.members()):
            with pytest.raises(IndexAway, match="can't be asked"):
                await asked


async def test_a_key_of_a_wrong_type_is_an_error_of_ours(store: Store, redis: Redis) -> None:
    await redis.set("{jobindex}:jobs:a", "x")
    with pytest.raises(IndexAway, match="WRONGTYPE"):
        await store.jobs.of_node("a")
    await redis.delete("{jobindex}:jobs:a")
