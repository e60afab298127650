"""Jobs that a complete report of their node lacks: what becomes history, what is doubted, what is lost."""

import pytest

from jobindex.errors import UnknownNode
from jobindex.model.node import GONE
from jobindex.model.record import FORGOTTEN, HISTORY, MISSED
from jobindex.store import Store

from ...builders import (
    BEAT,
    job_id,
    known,
    node_record,
    registered,
    stamp,
    told,
    version,
    word,
)


async def miss(store: Store, *, taken: float = 9, clock: int = 0, incarnation: str = "a1") -> list[tuple[str, str]]:
    return await store.jobs.miss("a", incarnation, clock, stamp(taken), [job_id(1)])


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
    assert await miss(store, taken=11) == [(job_id(1), job.record.line)]


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
