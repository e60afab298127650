"""What reports say of jobs: which word counts, which is passed over and which is refused."""

import asyncio
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from jobindex.errors import UnknownNode
from jobindex.model.node import GONE, LATE
from jobindex.store import Store
from jobindex.store.connect import Clients
from jobindex.store.jobs import Stored

from ...builders import BEAT, BEGAN, job_id, job_text, known, lose, node_record, registered, stamp, told, version, word


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
    refused = await told(store, word(2, at=9, node="b", incarnation="b1"), word(3, node="b", incarnation="b1"))
    assert refused == [job_id(2)]
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


async def test_what_somebody_waits_for_stands_behind_no_report(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    there, place = Store(Clients(redis, redis, redis)), "{jobindex}:place"
    long = asyncio.create_task(there.jobs._reports._line.ask("BLPOP", place, "0"))
    report = asyncio.create_task(there.jobs.put("a", "a1", [word(1)]))
    assert await there.jobs.put_at_once(word(2)) == []
    assert not report.done()
    await redis.rpush(place, "go on")
    assert (await report, (await long)[1]) == ([], b"go on")
    assert (await known(store, 1)).record.state == (await known(store, 2)).record.state == "Running"


async def test_what_is_known_by_its_line_is_not_read_again(store: Store, redis: Redis) -> None:
    """Also not where somebody broke its text."""
    await registered(store, "a")
    await told(store, *(word(number) for number in range(1, 4)))
    mine = await store.jobs.fetch([job_id(1), job_id(2)])
    await redis.hset("{jobindex}:jobs", job_id(1), "gibberish")
    await told(store, word(2, "Success", at=1))
    found = {job_id: job async for chunk in store.jobs.everything(mine) for job_id, job in chunk.items()}
    assert found.keys() == {job_id(1), job_id(2), job_id(3)}
    assert found[job_id(1)] is mine[job_id(1)]
    assert found[job_id(2)].record.state == "Success"
    await told(store, word(1, at=2))  # so that the invariants hold


async def test_less_of_a_text_is_another_text(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, Content={"A": "1"}))
    mine = await store.jobs.fetch([job_id(1)])
    for content in ({"A": ""}, {}, {}):
        less = replace(await known(store), text=job_text(1, Content=content))
        assert await store.jobs.reduce([less]) == 1
        found = [chunk async for chunk in store.jobs.everything(mine)]
        assert found[0][job_id(1)].text == less.text
        mine = found[0]
    assert mine[job_id(1)].record.rest == f"less={len(less.text)}"


async def test_what_was_concluded_twice_in_other_words_is_read(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1))
    first = await known(store)
    await lose(store, first)
    lost = await known(store)
    mine = {job_id(1): replace(lost, text=lost.text.replace(b"REST API", b"TEST API"))}
    assert [chunk async for chunk in store.jobs.everything(mine)] == [{job_id(1): lost}]
