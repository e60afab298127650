"""However the index changes, a list cut from the last one is the list made anew."""

import asyncio

import orjson
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model.job import STATES
from jobindex.model.node import ALIVE, LATE, Node
from jobindex.model.query import Question
from jobindex.model.visibility import hides
from jobindex.service.listing import Listing
from jobindex.service.view import View
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored

from ..builders import job_id, word

QUESTIONS = [
    Question(),
    Question(expand=True),
    Question(expand=True, states=frozenset({"Running"})),
    Question(states=frozenset({"Success", "Failure"})),
    Question(expand=True, since=3, limit=5),
    Question(since=2),
    Question(hidden=("a",)),
    Question(expand=True, hidden=("", "b")),
    Question(expand=True, since=2, limit=4, hidden=("b",)),
]
PUT, PUT_ELSEWHERE, DROP, NODE, ASK, REPLACE = "put", "put elsewhere", "drop", "node", "ask", "replace"

steps = st.lists(
    st.one_of(
        st.tuples(st.just(PUT), st.integers(0, 400), st.sampled_from(STATES)),
        st.tuples(st.just(PUT_ELSEWHERE), st.integers(0, 400), st.sampled_from(STATES)),
        st.tuples(st.just(DROP), st.integers(0, 400), st.just("")),
        st.tuples(st.just(NODE), st.just(0), st.sampled_from((ALIVE, LATE))),
        st.tuples(st.just(REPLACE), st.integers(0, 400), st.sampled_from(STATES)),
        st.tuples(st.just(ASK), st.sampled_from(range(len(QUESTIONS))), st.just("")),
    ),
    max_size=60,
)


def node(state: str) -> Node:
    return Node(name="n", url="http://n:1", incarnation="1", state=state, seen=1_790_000_000_500)


@given(first=st.sets(st.integers(0, 400), max_size=400), steps=steps)
def test_a_spliced_list_is_the_list(first: set[int], steps: list[tuple[str, int, str]]) -> None:
    view = View()
    asyncio.run(view.replace({each.id: each for each in map(word, first)}, {"a": node(ALIVE)}))
    listing = Listing(view)
    for version, (step, number, state) in enumerate(steps):
        if step == PUT:
            view.put(word(number, state))
        elif step == PUT_ELSEWHERE:
            view.put(word(number, state, node=("b", "forgotten")[number % 2]))
        elif step == DROP:
            view.drop(job_id(number))
        elif step == NODE:
            view.nodes = {"a": node(state)}
        elif step == REPLACE:
            asyncio.run(view.replace(_others(view, number, state), view.nodes))
        else:
            assert listing.answer(QUESTIONS[number])[1] == Listing(view).answer(QUESTIONS[number])[1]
        asyncio.run(view.move(Head("e", 0, version)))
    for question in QUESTIONS:
        body = listing.answer(question)[1]
        assert body == Listing(view).answer(question)[1]
        assert _ids(body) == _expected(view, question)


def _others(view: View, number: int, state: str) -> dict[str, Stored]:
    """The same jobs, but for those before a number, of which one in three is gone and one in three has changed."""
    jobs = dict(view.jobs)
    for each in range(0, number, 3):
        jobs.pop(job_id(each), None)
        jobs[job_id(each + 1)] = word(each + 1, state)
    return jobs


def _ids(body: bytes) -> list[str]:
    return [each if isinstance(each, str) else each["ID"] for each in orjson.loads(body)]


def _expected(view: View, question: Question) -> list[str]:
    chosen = (job for job in view.jobs.values() if job.record.state in (question.states or STATES))
    found = sorted(job.id for job in chosen if not hides(question.hidden, job.record.node, view.nodes))
    return found[question.since :][: question.limit or None]
