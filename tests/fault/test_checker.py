"""The checker finds each kind of breach, and finds none where none is."""

from collections import Counter
from typing import Any

import pytest

from .checker import backwards, diverged, fabricated, leaked, missing, shared, slowed, untruthful
from .history import Call, Fault, Shown


def submitted(job_id: str, at: float = 0, node: str = "a") -> Call:
    return Call("a", "submit", at, at, "ok", 200, id=job_id, node=node)


def listed(at: float, client: str = "front", age: float | None = None, **jobs: str | Shown) -> Call:
    """A list that took no time; a job is its state, on the node `a`, or whole."""
    shown = {job_id: job if isinstance(job, Shown) else Shown(job, "a") for job_id, job in jobs.items()}
    return Call(client, "list", at, at, "ok", 200, age=age, jobs=shown)


def acted(result: Any, verb: str = "cancel", job_id: str = "x", at: float = 1, status: int = 200) -> Call:
    return Call("front", verb, at, at, result, status, id=job_id)


def of(check: Any) -> list[str]:
    return list(check)


def test_a_job_that_nobody_submitted_is_a_fabrication() -> None:
    assert of(fabricated([submitted("x"), listed(1, x="Running")])) == []
    assert of(fabricated([listed(1, x="Running")])) == ["1 jobs of a were listed, of which it may have been given 0"]


def test_a_submission_that_was_never_answered_may_explain_one_job() -> None:
    unclear = Call("a", "submit", 0, 9, "unknown", node="a")
    assert of(fabricated([unclear, listed(1, x="Running")])) == []
    assert of(fabricated([unclear, listed(1, x="Running", y="Running")])) != []


def test_a_job_of_another_orthanc_is_a_fabrication() -> None:
    assert "as one of b" in of(fabricated([submitted("x"), listed(1, x=Shown("Running", "b"))]))[0]


def test_what_was_seen_is_seen_by_all_later() -> None:
    calls = [listed(1, x="Running"), listed(2, "other")]
    assert of(missing(calls, [])) == ["job x is not in the list of other that began at 2.00"]
    assert of(missing(calls[::-1], [])) != [], "in whichever order they were answered"


def test_what_was_submitted_is_seen_in_time() -> None:
    assert of(missing([submitted("x"), listed(9)], [], sync=10)) == []
    assert of(missing([submitted("x"), listed(11)], [], sync=10)) != []


@pytest.mark.parametrize(("name", "late"), [("frozen", 21), ("killed", None)])
def test_a_fault_gives_more_time_and_a_kill_may_lose_what_nobody_saw(name: str, late: float | None) -> None:
    faults = [Fault(name, "a", 5, 10)]
    assert of(missing([submitted("x"), listed(19)], faults, sync=10)) == []
    assert bool(of(missing([submitted("x"), listed(late or 99)], faults, sync=10))) is (late is not None)
    assert of(missing([listed(1, x="Running"), listed(19)], faults, sync=10)) != [], "what was seen stays"


def test_what_was_deleted_may_be_missing() -> None:
    calls = [listed(1, x="Success"), Call("front", "delete", 2, 3, "ok", 200, id="x"), listed(4)]
    assert of(missing(calls, [])) == []
    assert of(missing([*calls, listed(1.5)], [])) != [], "not before"


def test_an_answer_that_says_its_age_may_lack_what_is_younger() -> None:
    assert of(missing([listed(5, x="Running"), listed(6, age=1)], [])) == []
    assert of(missing([listed(5, x="Running"), listed(9, age=1)], [])) != []


@pytest.mark.parametrize("state", ["Running", "Pending", "Paused"])
def test_an_end_is_not_taken_back(state: str) -> None:
    assert of(backwards([listed(1, x="Success"), listed(2, x=state)])) != []
    assert of(backwards([listed(1, x=state), listed(2, x="Success")])) == []


def test_an_end_is_taken_back_by_a_resubmission_or_where_it_was_only_concluded() -> None:
    again = acted("ok", "resubmit", at=2)
    assert of(backwards([listed(1, x="Failure"), again, listed(3, x="Running")])) == []
    assert of(backwards([listed(1, x=Shown("Failure", "a", lost=True)), listed(3, x="Running")])) == []
    assert of(backwards([listed(1, x="Success"), listed(3, age=5, x="Running")])) == []


def test_a_job_with_two_owners_is_found() -> None:
    assert of(shared([listed(1, x="Running"), listed(2, x=Shown("Running", "b"))])) == [
        "job x was listed as one of a and of b"
    ]
    assert of(shared([listed(1, x="Running"), listed(2, x="Success")])) == []


LINE = "POST /jobs/x/cancel"


@pytest.mark.parametrize(
    ("result", "times", "right"),
    [
        ("ok", 0, False),
        ("ok", 1, True),
        ("ok", 2, False),
        ("fail", 0, True),
        ("fail", 1, False),
        ("unknown", 0, True),
        ("unknown", 1, True),
        ("unknown", 2, False),
        ("refused", 2, False),
    ],
)
def test_an_answer_says_how_often_a_thing_was_done(result: str, times: int, right: bool) -> None:
    calls = [submitted("x"), acted(result)]
    assert (of(untruthful(calls, {"a": Counter({LINE: times}), "b": Counter()})) == []) is right


def test_an_action_at_another_than_the_owner_is_found() -> None:
    assert of(untruthful([submitted("x"), acted("unknown")], {"a": Counter(), "b": Counter({LINE: 1})})) != []


def test_what_is_asked_of_the_owner_itself_passes_no_replica() -> None:
    itself = Call("a", "cancel", 1, 1, "ok", 200, id="x")
    assert of(untruthful([submitted("x"), itself], {"a": Counter(), "b": Counter()})) == []


def test_who_has_no_rights_is_told_nothing() -> None:
    assert of(leaked([listed(1, "stranger", x="Running")])) == ["stranger was answered list"]
    assert of(leaked([Call("stranger", "list", 1, 1, "fail", 401)])) == []


def test_lists_are_held_against_the_orthancs_and_each_other() -> None:
    assert of(diverged({"r1": {"x": "Success"}, "r2": {"x": "Success"}}, {"x": "Success"})) == []
    assert of(diverged({"r1": {"x": "Running"}}, {"x": "Success"})) != []
    assert of(diverged({"r1": {}}, {"x": "Success"})) != []
    assert of(diverged({"r1": {"y": "Success"}, "r2": {}}, {})) != []


def test_slower_answers_of_an_orthanc_are_found() -> None:
    assert of(slowed([0.010] * 100, [0.011] * 100)) == []
    assert of(slowed([0.010] * 100, [0.010] * 90 + [0.013] * 10)) != []
