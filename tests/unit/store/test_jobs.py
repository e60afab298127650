"""What reports say of jobs: which word counts, which is passed over and which is refused."""

from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from jobindex.errors import UnknownNode
from jobindex.model.node import GONE, LATE
from jobindex.model.record import FORGOTTEN, HISTORY, LOST, MISSED
from jobindex.store import Store
from jobindex.store.jobs import Stored

from ...builders import BEAT, BEGAN, job_id, job_text, known, node_record, registered, stamp, word


async def told(store: Store, *words: Stored) -> list[str]:
    """The node of the words says them; the ids that were refused."""
    return await store.jobs.put(words[0].record.node, words[0].record.incarnation, words)


async def version(store: Store) -> int:
    head = await store.changes.head()
    return head.version if head else 0


async def test_a_job_is_there_as_it_was_told(store: Store) -> None:
    await registered(store, "a")
    assert await told(store, word(1, "Success", 3)) == []
    assert await known(store) == Stored(job_id(1), job_text(1, "Success", 3), word(1, "Success", 3).record)
    assert await store.jobs.of_node("a") == [job_id(1)]
    assert await store.jobs.finished(0, 10) == [(job_id(1), (BEGAN + 3) * 1000)]


async def test_who_is_not_registered_is_not_heard(store: Store) -> None:
    with pytest.raises(UnknownNode):
        await told(store, word())
    await registered(store, "a")
    with pytest.raises(UnknownNode):
        await told(store, word(incarnation="a2"))
    assert await store.jobs.fetch([job_id(1)]) == {}


FIRST = word(1, "Running", 5, clock=1)


@pytest.mark.parametrize(
    ("second", "counts"),
    [
        (word(1, "Success", 6, clock=1), True),
        (word(1, "Success", 5.000001, clock=1), True),
        (word(1, "Success", 5, clock=1), False),
        (word(1, "Success", 4, clock=1), False),
        (word(1, "Success", 4, clock=2), True),
        (word(1, "Success", 9, clock=0), False),
    ],
    ids=["newer", "a microsecond newer", "equal", "older", "newer clock", "older clock"],
)
async def test_only_the_newer_word_counts(store: Store, second: Stored, counts: bool) -> None:
    await registered(store, "a")
    await told(store, FIRST)
    await told(store, second)
    assert (await known(store)).record == (second if counts else FIRST).record


async def test_a_new_time_stamp_alone_costs_no_version(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(at=1))
    before = await version(store)
    await told(store, word(at=2))
    assert await version(store) == before
    await told(store, word(at=3, Progress=1))
    assert await version(store) == before + 1


async def test_a_time_stamp_in_a_description_is_no_time_stamp(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(at=1, Content={"Description": '"Timestamp":"x"'}))
    await told(store, word(at=2, Content={"Description": '"Timestamp":"y"'}))
    assert (await known(store)).record.stamp == stamp(2)


async def test_a_word_ends_the_doubt_even_where_only_its_time_stamp_is_new(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(at=1))
    await store.jobs.miss("a", "a1", 0, stamp(2), [job_id(1)])
    await told(store, word(at=3))
    assert (await known(store)).record.mark == "held"


async def test_a_job_of_another_alive_node_is_refused(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, word(1), word(2))
    assert await told(store, word(2, at=9, node="b", incarnation="b1"), word(3, node="b", incarnation="b1")) == [job_id(2)]
    assert (await known(store, 2)).record.node == "a"
    assert (await known(store, 3)).record.node == "b"


@pytest.mark.parametrize("state", [LATE, GONE])
async def test_a_job_of_a_node_that_is_silent_moves(store: Store, state: str) -> None:
    await registered(store, "a", "b")
    await told(store, word(1, at=9))
    await store.nodes.change_state("a", "a1", state, BEAT)
    assert await told(store, word(1, at=1, node="b", incarnation="b1")) == []
    assert (await known(store)).record.node == "b"
    assert (await store.jobs.of_node("a"), await store.jobs.of_node("b")) == ([], [job_id(1)])


async def test_a_lost_job_may_show_up_anywhere(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, word(1))
    await lose(store, await known(store))
    assert await told(store, word(1, "Running", 1, node="b", incarnation="b1")) == []
    assert (await known(store)).record.node == "b"
    assert await store.jobs.count_finished() == 0


async def test_the_word_of_a_new_incarnation_counts_whatever_its_stamp(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, "Success", 9, clock=3))
    await store.nodes.register("a", node_record("a2", "http://a:8042"), BEAT)
    await told(store, word(1, "Running", 1, incarnation="a2"))
    assert (await known(store)).record == word(1, "Running", 1, incarnation="a2").record


async def test_more_jobs_than_one_call_takes(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, *(word(number) for number in range(401)))
    refused = await told(store, *(word(number, node="b", incarnation="b1") for number in range(401)))
    assert refused == [job_id(number) for number in range(401)]
    read = [chunk async for chunk in store.jobs.everything()]
    assert {job for chunk in read for job in chunk} == set(refused)


# What a complete report lacks.


async def miss(store: Store, *, taken: float = 9, clock: int = 0, incarnation: str = "a1") -> list[tuple[str, str]]:
    return await store.jobs.miss("a", incarnation, clock, stamp(taken), [job_id(1)])


async def lose(store: Store, *jobs: Stored) -> int:
    """Conclude that the jobs are lost, from the lines that they have here."""
    conclusions: Sequence[tuple[str, str, bytes]] = [
        (job.id, job.record.line, job_text(int(job.id[:8], 16), "Failure", 9)) for job in jobs
    ]
    return await store.jobs.conclude((BEGAN + 9) * 1000, conclusions)


async def test_a_finished_job_that_is_missed_becomes_history(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, "Success"))
    assert await miss(store) == []
    before = await version(store)
    assert (await known(store)).record.mark == HISTORY
    assert await miss(store) == []
    assert await version(store) == before


async def test_an_unfinished_job_is_lost_when_it_is_missed_twice(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1))
    assert await miss(store) == []
    job = await known(store)
    assert job.record.mark == MISSED
    assert await miss(store, taken=10) == [(job_id(1), job.record.line)]


async def test_an_unfinished_job_is_lost_at_once_when_its_incarnation_is_over(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, at=20))
    await store.nodes.register("a", node_record("a2", "http://a:8042"), BEAT)
    assert await miss(store, incarnation="a2") == [(job_id(1), word(1, at=20).record.line)]


@pytest.mark.parametrize(("at", "clock"), [(9, 0), (10, 0), (1, 1)], ids=["same moment", "later", "later clock"])
async def test_what_is_newer_than_the_report_is_not_judged(store: Store, at: float, clock: int) -> None:
    await registered(store, "a")
    await told(store, word(1, at=at, clock=clock))
    assert await miss(store) == []
    assert (await known(store)).record.mark == "held"


async def test_what_is_another_nodes_or_concluded_is_not_judged(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, word(1, node="b", incarnation="b1"))
    assert await miss(store) == []
    await store.nodes.change_state("b", "b1", GONE, BEAT)
    await told(store, word(1, "Failure", mark=FORGOTTEN))
    assert await miss(store) == []
    assert (await known(store)).record.mark == FORGOTTEN


async def test_who_is_not_registered_misses_nothing(store: Store) -> None:
    await registered(store, "a")
    with pytest.raises(UnknownNode):
        await miss(store, incarnation="a2")


# What is concluded, dropped and written back.


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
    await told(store, word(1))
    await store.jobs.drop([(job_id(1), "")])
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


async def test_a_line_that_somebody_broke_is_passed_over_and_mended(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await told(store, word(1), word(2))
    await redis.hset("{jobindex}:owners", job_id(1), "gibberish")
    assert (await store.jobs.fetch([job_id(1), job_id(2)])).keys() == {job_id(2)}
    await told(store, word(1, at=1), word(2, at=1, Progress=1))
    assert (await known(store, 1)).record == word(1, at=1).record
    assert (await known(store, 2)).record.stamp == stamp(1)
