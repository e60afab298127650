"""The questions that a client may put to the list."""

import pytest

from jobindex.errors import BadArgument
from jobindex.model.query import Question, read_question


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        ([], Question()),
        ([("expand", "")], Question(expand=True)),
        ([("expand", "true")], Question(expand=True)),
        ([("expand", "0")], Question()),
        ([("status", "Success")], Question(states=frozenset({"Success"}))),
        ([("status", "sUCCESS, running")], Question(states=frozenset({"Success", "Running"}))),
        ([("status", "Paused"), ("status", "Retry")], Question(states=frozenset({"Paused", "Retry"}))),
        ([("since", "200"), ("limit", "100")], Question(since=200, limit=100)),
        ([("other", "x"), ("expand", "1")], Question(expand=True)),
    ],
)
def test_what_is_asked(arguments: list[tuple[str, str]], question: Question) -> None:
    assert read_question(arguments) == question


@pytest.mark.parametrize(
    "argument",
    [
        ("expand", "yes"),
        ("status", "Owned"),
        ("status", "Success,Owned"),
        ("since", "-1"),
        ("limit", ""),
        ("limit", "²"),
        ("limit", "9" * 5000),
    ],
)
def test_what_can_not_be_asked(argument: tuple[str, str]) -> None:
    with pytest.raises(BadArgument, match=f'GET argument "{argument[0]}"'):
        read_question([argument])


@pytest.mark.parametrize(
    ("arguments", "states"),
    [
        ([("status", "")], None),
        ([("status", " , ,")], None),
        ([("status", "Success,")], {"Success"}),
        ([("status", ""), ("status", "Failure")], {"Failure"}),
    ],
)
def test_in_use_a_status_with_nothing_in_it_filters_nothing(
    arguments: list[tuple[str, str]], states: set[str] | None
) -> None:
    assert read_question(arguments) == Question(states=None if states is None else frozenset(states))
