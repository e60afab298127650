"""What a filter admits is found once, and kept up from then on."""

import pytest

from jobindex.model.node import ALIVE, Node
from jobindex.model.query import Question
from jobindex.service import selections
from jobindex.service.selections import MAX_PENDING, Selections
from jobindex.service.shelves import FULL_SECTION
from jobindex.service.view import View

from ...builders import job_id, word

RUNNING = Question(states=frozenset({"Running"}))
MANY = 3 * FULL_SECTION


def view_of(count: int) -> View:
    view = View()
    view.nodes = {"a": Node(name="n", url="http://n:1", incarnation="1", state=ALIVE, seen=0)}
    for number in range(count):
        view.put(word(number, "Running" if number % 3 else "Success"))
    return view


def running(view: View) -> list[str]:
    return sorted(job.id for job in view.jobs.values() if job.record.state == "Running")


def found(kept: Selections) -> list[str]:
    selection = kept.at_hand(RUNNING)
    assert selection is not None
    return [each for shelf in selection.shelves for each in shelf.ids]


def test_bounds_what_changes_while_jobs_are_looked_at_is_seen() -> None:
    view = view_of(MANY)
    kept = Selections(view)
    for step, _ in enumerate(kept.fill(RUNNING)):
        for number in (step, MANY // 2 + step, MANY - 1 - step):
            view.put(word(number, "Success" if number % 2 else "Running", at=step + 1))
            view.drop(job_id(number + 7))
    assert found(kept) == running(view)
    for number in range(300):
        view.put(word(number, "Failure", at=90))
    assert found(kept) == running(view)


def test_bounds_a_selection_that_nobody_asks_for_is_given_up() -> None:
    view = view_of(10)
    kept = Selections(view)
    list(kept.fill(RUNNING))
    for number in range(2 * MAX_PENDING):
        view.put(word(number))
    assert kept.at_hand(RUNNING) is None
    list(kept.fill(RUNNING))
    assert found(kept) == running(view)


def test_bounds_selections_are_bounded_in_number_and_in_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "MAX_IDS", 100)
    view = view_of(60)
    kept = Selections(view)
    questions = [Question(states=frozenset({"Running"}), hidden=(f"x{number}",)) for number in range(5)]
    for question in questions:
        list(kept.fill(question))
    assert [kept.at_hand(question) is not None for question in questions] == [False, False, False, True, True]
    small = [Question(states=frozenset({"Retry"}), hidden=(f"x{number}",)) for number in range(100)]
    for question in small:
        list(kept.fill(question))
    assert sum(kept.at_hand(question) is not None for question in small) == selections.MAX_SELECTIONS
