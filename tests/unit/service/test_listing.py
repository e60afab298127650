"""The list is Orthanc's texts, sorted and chosen, each with one more member."""

import asyncio

import orjson

from jobindex.model.node import ALIVE, GONE, LATE, Node
from jobindex.model.query import Question
from jobindex.service.listing import Listing
from jobindex.service.view import View
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored

from ...builders import job_id, word

ALL = Question(expand=True)


def node(state: str = ALIVE) -> Node:
    return Node(name="n", url="http://n:1", incarnation="1", state=state, seen=1_790_000_000_500)


def view_of(*words: Stored) -> View:
    view = View()
    for each in words:
        view.put(each)
    view.nodes = {"a": node(), "b": node(LATE)}
    return view


def told(view: View) -> dict[str, object]:
    """What the index adds to the only job."""
    (job,) = orjson.loads(Listing(view).answer(ALL)[1])
    assert list(job)[-1] == "JobIndex"
    return dict(job["JobIndex"])


def test_ids_are_sorted() -> None:
    view = view_of(word(3), word(1), word(2))
    assert orjson.loads(Listing(view).answer(Question())[1]) == [job_id(1), job_id(2), job_id(3)]


def test_an_empty_list_is_a_list() -> None:
    assert Listing(View()).answer(Question())[1] == b"[]"
    assert Listing(View()).answer(ALL)[1] == b"[]"


def test_expanded_jobs_are_the_texts_that_orthanc_printed_and_one_member_more() -> None:
    first, second = word(1, EffectiveRuntime=0.25), word(2, "Success", node="b")
    body = Listing(view_of(second, first)).answer(ALL)[1]
    assert body.startswith(b"[" + first.text[:-1] + b',"JobIndex":{')
    assert second.text[:-1] in body
    assert [job["ID"] for job in orjson.loads(body)] == [job_id(1), job_id(2)]


def test_only_the_states_that_are_asked_for_are_listed() -> None:
    listing = Listing(view_of(word(1, "Running"), word(2, "Success"), word(3, "Failure")))
    asked = Question(states=frozenset({"Success", "Failure"}))
    assert orjson.loads(listing.answer(asked)[1]) == [job_id(2), job_id(3)]
    assert orjson.loads(listing.answer(Question(states=frozenset({"Retry"})))[1]) == []


def test_of_a_living_node_nothing_more_is_told_than_its_name_and_state() -> None:
    assert told(view_of(word(1))) == {"Node": "a", "NodeState": "Alive"}


def test_of_others_it_is_told_when_they_were_last_seen() -> None:
    assert told(view_of(word(1, node="b"))) == {"Node": "b", "NodeState": "Late", "LastSeen": "20260921T141320.500000"}


def test_a_node_that_nobody_knows_any_more_is_gone() -> None:
    assert told(view_of(word(1, node="c"))) == {"Node": "c", "NodeState": GONE}


def test_what_was_concluded_is_said() -> None:
    assert told(view_of(word(1, "Failure", mark="lost")))["Lost"] is True
    assert told(view_of(word(1, "Success", mark="forgotten")))["Forgotten"] is True
    assert told(view_of(word(1, "Success", mark="history"))) == {"Node": "a", "NodeState": "Alive"}


def test_jobs_of_one_node_are_each_told_what_became_of_them() -> None:
    jobs = orjson.loads(Listing(view_of(word(1), word(2, "Failure", mark="lost"), word(3))).answer(ALL)[1])
    assert [job["JobIndex"].get("Lost") for job in jobs] == [None, True, None]


def test_an_answer_is_kept_for_its_version_and_made_anew_for_the_next() -> None:
    view = view_of(word(1))
    listing = Listing(view)
    tag, body = listing.answer(ALL)
    assert listing.answer(ALL)[1] is body
    view.put(word(2))
    asyncio.run(view.move(Head("e", 0, 1)))
    next_tag, next_body = listing.answer(ALL)
    assert next_tag != tag
    assert len(orjson.loads(next_body)) == 2


def test_each_question_has_a_tag_of_its_own() -> None:
    listing = Listing(view_of(word(1)))
    questions = [Question(), ALL, Question(states=frozenset({"Running"})), Question(True, frozenset({"Running"}))]
    tags = {listing.answer(question)[0] for question in questions}
    assert len(tags) == len(questions)
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def test_the_same_version_of_another_epoch_has_another_tag() -> None:
    view = view_of(word(1))
    tags = set()
    for epoch in ("one", "two"):
        asyncio.run(view.move(Head(epoch, 0, 7)))
        tags.add(Listing(view).answer(ALL)[0])
    assert len(tags) == 2


def test_rights_jobs_of_hidden_nodes_are_in_no_body_and_in_no_page() -> None:
    view = view_of(word(1), word(2, node="b"), word(3), word(4, node="b"), word(5, node="forgotten"))
    listing = Listing(view)
    for question, shown in (
        (Question(hidden=("b",)), [1, 3, 5]),
        (Question(hidden=("b",), since=1, limit=1), [3]),
        (Question(hidden=("b",), states=frozenset({"Running"})), [1, 3, 5]),
        (Question(hidden=("", "b")), [1, 3]),
        (Question(hidden=("", "a", "b")), []),
        (Question(), [1, 2, 3, 4, 5]),
    ):
        assert orjson.loads(listing.answer(question)[1]) == [job_id(number) for number in shown]
    (job,) = orjson.loads(listing.answer(Question(expand=True, hidden=("", "a"), limit=1))[1])
    assert job["JobIndex"]["Node"] == "b"


def test_rights_a_tag_belongs_to_one_hidden_set() -> None:
    listing = Listing(view_of(word(1)))
    questions = [Question(), Question(hidden=("b",)), Question(hidden=("a", "b")), Question(hidden=("",))]
    tags = [listing.answer(question)[0] for question in questions]
    assert len(set(tags)) == len(tags)
    for question, tag in zip(questions, tags, strict=True):
        others = ", ".join(each for each in tags if each != tag)
        assert listing.known(question, "", tag) == tag
        assert listing.known(question, "", others) == ""


def test_rights_bodies_of_sixteen_hidden_sets_are_kept_at_most() -> None:
    listing = Listing(view_of(word(1)))
    sets = [("", f"node-{number}") for number in range(20)]
    made = [listing.answer(Question(hidden=each))[1] for each in sets]
    again = [listing.answer(Question(hidden=each))[1] for each in reversed(sets[-16:])]
    assert all(each is before for each, before in zip(again, reversed(made[-16:]), strict=True))
    assert listing.answer(Question(hidden=sets[0]))[1] is not made[0]
