"""A list that is made or streamed in turns, while the index changes, is the list as it was at one moment."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobindex.model.job import STATES
from jobindex.model.node import ALIVE, LATE, Node
from jobindex.model.query import Question
from jobindex.service.listing import Listing
from jobindex.service.view import View
from jobindex.store.changes import Head

from ..builders import job_id, word

RUNNING, ENDED = frozenset({"Running"}), frozenset({"Success", "Failure"})
QUESTIONS = [
    Question(),
    Question(expand=True),
    Question(expand=True, states=RUNNING),
    Question(states=ENDED, hidden=("b",)),
    Question(expand=True, hidden=("", "a")),
    Question(expand=True, since=3, limit=5, states=ENDED),
    Question(since=20, hidden=("b",)),
    Question(since=10, limit=40),
]
PUT, DROP, NODES = "put", "drop", "nodes"
NUMBERS = st.integers(0, 120)
changes = st.lists(
    st.one_of(
        st.tuples(st.just(PUT), NUMBERS, st.sampled_from(STATES), st.sampled_from("abc")),
        st.tuples(st.just(DROP), NUMBERS, st.just(""), st.just("")),
        st.tuples(st.just(NODES), st.just(0), st.sampled_from((ALIVE, LATE)), st.sampled_from(("a", "ab", "abc"))),
    ),
    max_size=80,
)
fast = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is parted after a few jobs."""
    for name, value in {
        "shelves.LONGEST": 4,
        "shelves.FULL": 3,
        "shelves.MAX_SHELVES": 3,
        "shelves.FULL_SECTION": 6,
        "selections.FULL_SECTION": 6,
        "selections.AT_ONCE": 2,
        "listing.AT_ONCE": 1,
        "listing.LONGEST_PAGE": 15,
        "listing.PIECE_BYTES": 600,
        "snapshot_read.STRETCH_BYTES": 900,
    }.items():
        monkeypatch.setattr(f"jobindex.service.{name}", value)


def nodes(state: str, names: str) -> dict[str, Node]:
    return {
        name: Node(name="n", url="http://n:1", incarnation="1", state=state, seen=1_790_000_000_500) for name in names
    }


def view_of(first: set[int]) -> View:
    view = View()
    asyncio.run(view.replace({job_id(n): word(n, STATES[n % 6], node="abc"[n % 3]) for n in first}, nodes(ALIVE, "ab")))
    return view


async def change(view: View, steps: Iterator[tuple[str, int, str, str]]) -> None:
    """One change a turn of the loop, each of which makes a version."""
    for step, number, state, node in steps:
        if step == PUT:
            view.put(word(number, state, node=node))
        elif step == DROP:
            view.drop(job_id(number))
        else:
            view.nodes = nodes(state, node)
        await view.move(Head("e", 0, view.head.version + 1))
        await asyncio.sleep(0)


async def asked(view: View, listing: Listing, question: Question) -> None:
    """What comes is the list as it is when it is there, or as it was when the first piece of it came."""
    _, tag, found = await listing.encoded(question, "")
    expected = Listing(view).answer(question)
    if isinstance(found, tuple):
        assert (tag, b"".join(found)) == expected
        return
    assert b"".join([piece async for piece in found]) == expected[1]


@fast
@given(first=st.sets(NUMBERS, max_size=120), steps=changes, question=st.sampled_from(QUESTIONS))
def test_bounds_a_list_made_in_turns_is_that_of_one_moment(
    first: set[int], steps: list[tuple[str, int, str, str]], question: Question
) -> None:
    async def all_at_once() -> None:
        view = view_of_now
        listing, pending = Listing(view), iter(steps)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(change(view, pending))
            for _ in range(3):
                await asked(view, listing, question)
        await asked(view, listing, question)

    view_of_now = view_of(first)
    asyncio.run(all_at_once())


@fast
@given(first=st.sets(NUMBERS, max_size=120), steps=changes, question=st.sampled_from(QUESTIONS))
def test_bounds_a_streamed_list_is_that_of_one_moment(
    first: set[int], steps: list[tuple[str, int, str, str]], question: Question
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobindex.service.listing.MOST_KEPT", 0)
        patch.setattr("jobindex.service.listing.LONGEST_PAGE", 0)
        test_bounds_a_list_made_in_turns_is_that_of_one_moment.hypothesis.inner_test(first, steps, question)


@given(first=st.sets(NUMBERS, max_size=120), steps=changes)
def test_bounds_a_selection_is_what_its_filter_admits(first: set[int], steps: list[tuple[str, int, str, str]]) -> None:
    view = view_of(first)
    listing = Listing(view)
    for step in steps:
        asyncio.run(change(view, iter([step])))
        for question in QUESTIONS:
            assert listing.answer(question) == Listing(view).answer(question)
