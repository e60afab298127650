"""Jobs that are concluded, dropped or written back."""

from redis.asyncio import Redis

from jobindex.model.record import LOST
from jobindex.store import Store

from ...builders import (
    BEAT,
    BEGAN,
    job_id,
    known,
    lose,
    node_record,
    registered,
    stamp,
    told,
    word,
)


async def test_a_conclusion_is_shown_as_a_failure_that_ended_then(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1))
    assert await lose(store, await known(store)) == 1
    job = await known(store)
    assert (job.record.state, job.record.mark, job.record.stamp) == ("Failure", LOST, stamp(0))
    assert await store.jobs.finished(0, 1) == [(job_id(1), (BEGAN + 9) * 1000)]


async def test_a_conclusion_gives_way_to_newer_word(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1), word(2))
    concluded_from = [await known(store, 1), await known(store, 2)]
    await told(store, word(1, "Success", 1))
    assert await lose(store, *concluded_from) == 1
    assert (await known(store, 1)).record.state == "Success"


async def test_orthancs_word_wins_over_a_conclusion(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1))
    await lose(store, await known(store))
    await told(store, word(1, "Running", 20))
    assert (await known(store)).record == word(1, "Running", 20).record


async def test_a_job_is_dropped_only_while_it_has_the_line(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1), word(2), word(3))
    old = word(1).record.line
    await told(store, word(1, "Success", 1))
    assert await store.jobs.drop([(job_id(1), old), (job_id(2), old), (job_id(3), ""), (job_id(4), "")]) == 2
    assert (await store.jobs.fetch([job_id(n) for n in range(5)])).keys() == {job_id(1)}


async def test_a_dropped_job_without_a_tombstone_may_come_back(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, "Success"))
    await store.jobs.drop([(job_id(1), "")])
    assert await store.jobs.count_finished() == 0
    await told(store, word(1))
    assert (await known(store)).record == word(1).record


async def test_a_tombstone_keeps_a_job_away_while_it_lasts(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await told(store, word(1))
    await store.jobs.drop([(job_id(1), "")], tombstone=BEAT)
    await told(store, word(1, "Success", 9))
    assert await store.jobs.restore([word(1, "Success", 9)]) == 0
    assert await store.jobs.fetch([job_id(1)]) == {}
    await redis.zadd("{jobindex}:deleted", {f"{job_id(1)} a1": await store.changes.now() - 1})
    await told(store, word(1, "Success", 9))
    assert (await known(store)).record.final


async def test_a_tombstone_is_of_one_incarnation(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1))
    await store.jobs.drop([(job_id(1), "")], tombstone=BEAT)
    await store.nodes.register("a", node_record("a2", "http://a:8042"), BEAT)
    await told(store, word(1, incarnation="a2"))
    assert (await known(store)).record.incarnation == "a2"


async def test_tombstones_that_are_over_are_forgotten(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await redis.zadd("{jobindex}:deleted", {"one a1": 10, "other a1": 20})
    await store.jobs.forget_tombstones(10)
    assert await redis.zrange("{jobindex}:deleted", 0, -1) == [b"other a1"]


async def test_what_redis_lost_is_written_back_and_what_it_has_newer_stays(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, word(1, at=5), word(2, at=5))
    await told(store, word(3, node="b", incarnation="b1"))
    remembered = [word(1, "Success", 6), word(2, "Success", 4), word(3, "Success", 9), word(4, "Failure", 2)]
    assert await store.jobs.restore(remembered) == 2
    states = [(await known(store, number)).record.state for number in (1, 2, 3, 4)]
    assert states == ["Success", "Running", "Running", "Failure"]
    assert (await store.jobs.finished(0, 9))[0] == (job_id(4), (BEGAN + 2) * 1000)


async def test_what_is_remembered_of_an_incarnation_that_is_over_stays_behind(store: Store) -> None:
    await registered(store, "a")
    await store.nodes.register("a", node_record("a2", "http://a:8042"), BEAT)
    await told(store, word(1, at=1, incarnation="a2"))
    assert await store.jobs.restore([word(1, "Success", 9)]) == 0
    assert (await known(store)).record.state == "Running"


async def test_a_line_of_a_newer_version_is_understood(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await told(store, word(1, at=5))
    await redis.hset("{jobindex}:owners", job_id(1), word(1, at=5).record.line + " more words")
    await told(store, word(1, "Success", 4))
    assert (await known(store)).record.order == word(1, at=5).record.order
    await told(store, word(1, "Success", 6))
    assert (await known(store)).record == word(1, "Success", 6).record


async def test_what_a_newer_version_tells_behind_a_line_is_kept_by_every_verb(store: Store, redis: Redis) -> None:
    async def rest() -> str:
        return (await known(store)).record.rest

    await registered(store, "a")
    await told(store, word(1, at=1))
    await redis.hset("{jobindex}:owners", job_id(1), word(1, at=1).record.line + " shelf=7 x=")
    await told(store, word(1, at=2, Progress=1))
    assert await rest() == "shelf=7 x="
    for _ in range(2):  # told twice
        assert await store.jobs.miss("a", "a1", 0, stamp(3), [job_id(1)]) == []
    assert await rest() == f"{stamp(3)} shelf=7 x="
    remembered = await known(store)
    await lose(store, remembered)
    assert await rest() == "shelf=7 x="
    await told(store, word(1, "Success", 4))
    await store.jobs.miss("a", "a1", 0, stamp(5), [job_id(1)])
    assert ((await known(store)).record.mark, await rest()) == ("history", "shelf=7 x=")
    await store.jobs.drop([(job_id(1), "")])
    await store.jobs.restore([remembered])
    assert await known(store) == remembered


async def test_a_line_that_somebody_broke_is_passed_over_and_mended(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await told(store, word(1), word(2))
    await redis.hset("{jobindex}:owners", job_id(1), "gibberish")
    assert (await store.jobs.fetch([job_id(1), job_id(2)])).keys() == {job_id(2)}
    await told(store, word(1, at=1), word(2, at=1, Progress=1))
    assert (await known(store, 1)).record == word(1, at=1).record
    assert (await known(store, 2)).record.stamp == stamp(1)
