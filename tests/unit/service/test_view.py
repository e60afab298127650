"""The view tells what it holds, and wakes who waits for it."""

import asyncio

import pytest

from jobindex.model.node import ALIVE, GONE, LATE, STOPPED, Node
from jobindex.service.view import View
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored

from ...builders import job_id, word

SOON = 5.0
NOW = 0.02


def head(version: int, epoch: str = "e") -> Head:
    return Head(epoch, 0, version)


def by_id(*words: Stored) -> dict[str, Stored]:
    return {each.id: each for each in words}


def node(state: str) -> Node:
    return Node(name="n", url="http://n:1", incarnation="1", state=state)


async def test_who_waits_for_a_version_is_woken_when_it_is_reached() -> None:
    view = View()
    waiting = asyncio.create_task(view.reach(head(3), SOON))
    for version in (1, 2):
        await view.move(head(version))
        await asyncio.sleep(0)
        assert not waiting.done()
    await view.move(head(4))
    assert await waiting


async def test_a_version_of_another_epoch_is_not_reached() -> None:
    view = View()
    await view.move(head(10, "old"))
    assert not await view.reach(head(3, "new"), NOW)


async def test_what_is_reached_already_is_not_waited_for() -> None:
    view = View()
    await view.move(head(3))
    assert await view.reach(head(3), 0.0)


async def test_a_job_is_awaited() -> None:
    view = View()
    waiting = asyncio.create_task(view.await_job(job_id(1), SOON))
    await asyncio.sleep(0)
    view.put(word(1))
    await view.move(head(1))
    assert await waiting == word(1)
    assert await view.await_job(job_id(2), NOW) is None


async def test_an_end_is_awaited() -> None:
    view = View()
    view.put(word(1, "Running"))
    waiting = asyncio.create_task(view.wait_until_final(job_id(1), SOON))
    await asyncio.sleep(0)
    assert not waiting.done()
    view.put(word(1, "Success"))
    await view.move(head(1))
    await waiting


def test_ids_stay_sorted_and_nodes_know_their_jobs() -> None:
    view = View()
    for number in (3, 1, 2):
        view.put(word(number))
    view.put(word(1, "Success"))
    view.drop(job_id(2))
    view.drop(job_id(2))
    assert view.ids == [job_id(1), job_id(3)]
    assert view.on_node("a") == {job_id(1), job_id(3)}


def test_a_job_that_moves_to_another_node_leaves_the_first() -> None:
    view = View()
    view.put(word(1, node="a"))
    view.put(word(1, node="b"))
    assert (view.on_node("a"), view.on_node("b")) == (set(), {job_id(1)})


async def test_a_job_that_only_the_index_knows_is_on_no_node() -> None:
    view = View()
    view.put(word(1, "Success"))
    view.put(word(1, "Success", mark="history"))
    assert view.on_node("a") == set()
    await view.replace(by_id(word(1, "Success", mark="history"), word(2)), {})
    assert view.on_node("a") == {job_id(2)}
    assert view.ids == [job_id(1), job_id(2)]


async def test_what_is_shown_instead_is_that_and_nothing_else() -> None:
    view = View()
    for first in (by_id(), by_id(word(1), word(2), word(3, node="b"), word(4))):
        await view.replace(first, {})
    same, nodes = view.jobs[job_id(1)], {"a": node(ALIVE)}
    shelves = [shelf.edition for shelf in view.shelves]
    await view.replace({same.id: same} | by_id(word(2, "Success", at=1), word(3, node="a"), word(5)), nodes)
    assert view.jobs == by_id(word(1), word(2, "Success", at=1), word(3, node="a"), word(5))
    assert (view.ids, view.nodes) == ([job_id(number) for number in (1, 2, 3, 5)], nodes)
    assert (view.on_node("a"), view.on_node("b")) == (view.jobs.keys(), set())
    assert [shelf.edition for shelf in view.shelves] != shelves


async def test_what_stays_the_same_keeps_its_shelf() -> None:
    view = View()
    await view.replace(by_id(*(word(number) for number in range(100))), {})
    before = {shelf.edition for shelf in view.shelves}
    await view.replace(view.jobs | by_id(word(50, "Success", at=1)), {})
    assert len({shelf.edition for shelf in view.shelves} - before) == 1


async def test_nobody_sees_half_of_what_is_shown_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.service.turns.MANY", 1)
    view = View()
    await view.replace(by_id(word(1), word(2)), {})
    seen: list[list[str]] = []

    async def look() -> None:
        while True:
            seen.append(view.ids)
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await view.replace(by_id(*(word(number) for number in (2, 3, 4))), {})
    looking.cancel()
    assert len(seen) > 1
    assert all(ids == [job_id(1), job_id(2)] for ids in seen)
    assert view.ids == [job_id(2), job_id(3), job_id(4)]


def test_those_that_report_are_asked_before_those_that_are_late_and_nobody_else_is() -> None:
    view = View()
    view.nodes = {"l": node(LATE), "g": node(GONE), "a": node(ALIVE), "s": node(STOPPED)}
    assert [name for name, _ in view.alive_nodes()] == ["a", "l"]
