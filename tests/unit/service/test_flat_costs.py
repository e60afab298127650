"""What a 304 and a page cost does not grow with the index, and what is long is made in turns."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import pytest

from jobindex.model.node import ALIVE, Node
from jobindex.model.query import Question
from jobindex.service.listing import Listing
from jobindex.service.view import View
from jobindex.store.changes import Head

from ...builders import job_id, word

FEW, MANY = 3000, 60_000
STATES = ("Running", *("Success",) * 18, "Failure")
ONE_IN_TWENTY = frozenset({"Running"})
AT_END = -1
TIMES = 15
GROWTH = 4.0
"""Of times that a busy machine blurs; what grows with the index would by 20."""
PAGES: dict[str, dict[str, Any]] = {
    "first": {"expand": True},
    "ids at the end": {"since": AT_END},
    "at the end": {"expand": True, "since": AT_END},
    "running": {"expand": True, "states": ONE_IN_TWENTY},
    "the last running": {"expand": True, "states": ONE_IN_TWENTY, "since": AT_END},
    "without a node": {"expand": True, "hidden": ("b",), "since": AT_END},
}


def view_of(count: int) -> View:
    view = View()
    jobs = [word(number, STATES[number % 20], node="ab"[number // 7 % 2]) for number in range(count)]
    nodes = {name: Node(name="n", url="http://n:1", incarnation="1", state=ALIVE, seen=0) for name in "ab"}
    asyncio.run(view.replace({each.id: each for each in jobs}, nodes))
    return view


@pytest.fixture(scope="module")
def views() -> tuple[View, View]:
    return view_of(FEW), view_of(MANY)


def page_of(view: View, asked: dict[str, Any]) -> Question:
    """The page of 100, whose beginning is near the end of what there is."""
    page = {**asked, "limit": 100}
    if asked.get("since") == AT_END:
        states, hidden = asked.get("states", STATES), asked.get("hidden", ())
        count = sum(job.record.state in states and job.record.node not in hidden for job in view.jobs.values())
        page["since"] = count - 100
    return Question(**page)


async def _took(view: View, ask: Callable[[], object]) -> float:
    """Seconds for one answer each time that a job has changed."""
    times = []
    for at in range(TIMES + 1):
        view.put(word(at * 191 % FEW, STATES[(at + 1) % 20], at=at + 1, node="a"))
        await view.move(Head("e", 0, view.head.version + 1))
        began = time.perf_counter()
        assert ask()
        times.append(time.perf_counter() - began)
    return median(times[1:])  # the first one may look at all jobs


@pytest.mark.parametrize("what", PAGES)
async def test_bounds_a_page_costs_the_same_in_an_index_of_any_size(views: tuple[View, View], what: str) -> None:
    small, large = [await _took(view, partial(Listing(view).answer, page_of(view, PAGES[what]))) for view in views]
    assert large < GROWTH * small


@pytest.mark.parametrize("question", [Question(), Question(expand=True), Question(states=ONE_IN_TWENTY)])
async def test_bounds_nothing_is_made_for_a_304(views: tuple[View, View], question: Question) -> None:
    listing = Listing(views[1])
    tag, _ = listing.answer(question)

    def ask() -> bool:
        assert listing.known(question, "", "something else") == ""
        return listing.known(question, "", tag) in ("", tag)

    assert await _took(views[1], ask) < 0.001


async def test_bounds_a_list_beyond_the_cache_costs_nothing_for_a_304(
    views: tuple[View, View], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.bodies.MOST_KEPT", 1 << 20)
    listing = Listing(views[1])
    listing._bodies._most = 1 << 20
    tag, _ = listing.answer(Question(expand=True))
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        assert listing.known(Question(expand=True), "", tag) == tag
        took.append(time.perf_counter() - began)
    assert median(took) < 0.001


async def test_bounds_ids_are_made_in_turns(views: tuple[View, View]) -> None:
    """Each that waits for a turn gets one while a list of all is made."""
    turns = 0

    async def wait() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(wait())
    await Listing(views[1]).encoded(Question(), "")
    waiting.cancel()
    assert turns >= 10


def test_a_page_that_is_asked_for_again_is_not_made_again(views: tuple[View, View]) -> None:
    listing = Listing(views[0])
    page = Question(expand=True, limit=10)
    assert listing.answer(page)[1] is listing.answer(page)[1]
    assert job_id(0).encode() in listing.answer(page)[1]
