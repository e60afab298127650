"""A Redis without memory for anything new: reads go on, and what frees memory or tells the truth of a node may."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from jobindex.errors import IndexAway
from jobindex.model.node import GONE, LATE
from jobindex.store import Store

from ...builders import job_id, job_text, known, node_record, registered, told, word
from ..memory import full

FREEING = {
    "due_claim": ("late", 10, 1000),
    "due_put": ("reap", "history", 1000, ""),
    "epoch_begin": (),
    "jobs_drop": (1000, job_id(1), ""),
    "jobs_purge": (1000, job_id(9)),
    "jobs_reduce": (job_id(2), word(2).record.line, job_text(2, Content={})),
    "node_state": ("a", "a1", LATE, 1000, "", ""),
    "node_forget": ("gone",),
}
"""By verb that frees memory, ends something or keeps the chores going: what it is given."""
GROWING = {
    "index_try": (),
    "jobs_conclude": (1, job_id(3), word(3).record.line, job_text(3, "Failure", 9)),
    "jobs_miss": ("a", "a1", 0, word(4, at=9).record.stamp, job_id(4)),
    "jobs_put": ("a", "a1", job_id(5), 0, word(5, "Success", at=9).record.stamp, "Success", "held", 100, 1, b"{}"),
    "jobs_restore": (job_id(6), word(6).record.line, 0, job_text(6)),
    "node_register": ("new", node_record().model_dump_json(), 1000),
    "node_restore": ("old", node_record().model_dump_json(), 1000),
    "login_ask": ("guess", "user", "address", 5, 0),
    "login_settle": ("guess", "user", "address", 1000),
    "node_seen": ("a", "a1", 1000, "", 0, 0),
    "submissions_note": (10, 1000, 1000, "one", "began"),
}
"""The others: what they bring is told again when there is memory."""

MARGIN = 500_000
"""Bytes that Redis may use less from one moment to the next."""


@pytest.fixture
async def filled(store: Store) -> Store:
    """Jobs 1 to 5 of node `a`, and a node that is gone."""
    await registered(store, "a", "gone")
    await told(store, *(word(number) for number in range(1, 6)))
    await store.nodes.change_state("gone", "gone1", GONE, 1000)
    return store


async def allowed(store: Store, redis: Redis, over: int) -> set[str]:
    """The verbs that may run so many bytes over the limit: each anew, for the one before may have freed some.

    Those that grow have to be refused also while Redis frees a little by itself, as release 8 does.
    """
    scripts, may = store.jobs._scripts, set()
    for verb, arguments in (FREEING | GROWING).items():
        async with full(redis, over if verb in FREEING else max(over, MARGIN)):
            with suppress(OutOfMemoryError, KeyError):
                await scripts.run(verb, *arguments)
                may.add(verb)
    return may


async def test_true_state_what_frees_memory_may_run_without_any(filled: Store, redis: Redis) -> None:
    """And what would grow may not, one byte over the limit."""
    assert await allowed(filled, redis, over=1) == FREEING.keys()


async def test_true_state_what_frees_memory_may_run_far_over_the_limit(filled: Store, redis: Redis) -> None:
    """As when a person sets a lower `maxmemory`."""
    assert await allowed(filled, redis, over=500_000) == FREEING.keys()


async def test_every_verb_says_what_it_may(filled: Store) -> None:
    assert filled.jobs._scripts._verbs.keys() == (FREEING | GROWING).keys()


Read = Callable[[Store], Coroutine[Any, Any, Any]]


async def _walked(store: Store) -> set[str]:
    return {job_id for chunk in [chunk async for chunk in store.jobs.everything()] for job_id in chunk}


READS: dict[str, Read] = {
    "jobs": lambda store: store.jobs.fetch([job_id(1)]),
    "every job": _walked,
    "records": lambda store: store.jobs.records([job_id(1)]),
    "nodes": lambda store: store.nodes.everything(),
    "head": lambda store: store.changes.head(),
    "changes": lambda store: store.changes.after(1),
    "rights": lambda store: store.server.excess(),
}


@pytest.mark.parametrize("name", READS)
async def test_true_state_a_full_redis_is_read(filled: Store, redis: Redis, name: str) -> None:
    before = await READS[name](filled)
    async with full(redis, over=100_000):
        assert await READS[name](filled) == before


async def test_true_state_a_full_redis_takes_no_rights_away(filled: Store, redis: Redis) -> None:
    async with full(redis, over=100_000):
        assert await filled.server.lacking() == []


async def test_true_state_scripts_that_a_full_redis_forgot_are_sent_again(filled: Store, redis: Redis) -> None:
    async with full(redis):
        await redis.script_flush()
        assert await filled.jobs.drop([(job_id(1), "")]) == 1
        await redis.script_flush()
        assert (await known(filled, 2)).record == word(2).record


async def test_true_state_a_full_redis_is_named_with_what_to_do(filled: Store, redis: Redis) -> None:
    async with full(redis):
        with pytest.raises(IndexAway, match=r"OOM .*used memory > 'maxmemory'.*raise `maxmemory`"):
            await told(filled, word(7))


async def test_text_and_line_of_a_job_are_of_one_moment(filled: Store) -> None:
    """However often it changes as it is read."""
    ids = [job_id(number) for number in range(300)]

    async def change() -> None:
        for at in range(1, 300):
            await told(filled, word(1, ("Running", "Paused", "Pending")[at % 3], at))

    async with asyncio.TaskGroup() as tasks:
        changing = tasks.create_task(change())
        while not changing.done():
            found = await filled.jobs.fetch(ids)
            assert len(found) == 5
            assert all(orjson.loads(each.text)["State"] == each.record.state for each in found.values())
            assert all(orjson.loads(each.text)["Timestamp"] == each.record.stamp for each in found.values())
    assert await filled.jobs.fetch([]) == {}


async def test_a_line_that_changed_meanwhile_is_read_again_with_its_text(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_once, writes = filled.jobs._read_once, iter([word(1, "Paused", 1), word(1, "Success", 2)])

    async def torn(ids: list[str]) -> list[list[bytes | None]]:
        lines, texts, _ = await read_once(ids)
        for written in writes:
            await told(filled, written)
            break
        _, _, after = await read_once(ids)
        return [lines, texts, after]

    monkeypatch.setattr(filled.jobs, "_read_once", torn)
    found = await filled.jobs.fetch([job_id(9), job_id(1), job_id(2)])
    assert {each.id: each.record.state for each in found.values()} == {job_id(1): "Success", job_id(2): "Running"}
    assert all(orjson.loads(each.text)["State"] == each.record.state for each in found.values())
