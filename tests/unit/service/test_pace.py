"""So many a second, and a few more at once."""

import pytest

from jobindex.service import pace as module
from jobindex.service.pace import Pace

from ..waiting import HandClock


def test_a_few_at_once_and_then_so_many_a_second() -> None:
    clock = HandClock()
    pace = Pace(5, 10, clock)
    assert [pace.take("a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert pace.take("b")
    clock.pass_by(1)
    assert [pace.take("a") for _ in range(6)] == [True] * 5 + [False]


def test_what_was_not_used_is_not_saved_up() -> None:
    clock = HandClock()
    pace = Pace(5, 2, clock)
    assert pace.take("a")
    clock.pass_by(1000)
    assert [pace.take("a") for _ in range(3)] == [True, True, False]


def test_what_is_given_back_can_be_taken_again_and_is_no_more_than_that() -> None:
    pace = Pace(5, 2, HandClock())
    pace.give_back("a")
    assert [pace.take("a") for _ in range(3)] == [True, True, False]
    pace.give_back("a")
    assert [pace.take("a") for _ in range(2)] == [True, False]


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    pace = Pace(1, 1, HandClock())
    assert [pace.take(key) for key in "abc"] == [True] * 3
    assert pace.take("a")
    assert not pace.take("c")
