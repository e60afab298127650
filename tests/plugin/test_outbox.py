"""The outbox: bounded, in order, and without a report that mixes what must be kept apart."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import load_plugin
from .scripted_module import ScriptedModule, job_id

SIZE = 1000
Make = Callable[..., Any]


@pytest.fixture
def plugin() -> Any:
    return load_plugin(ScriptedModule({}), OUTBOX_JOBS=10, OUTBOX_BYTES=100 * SIZE)


@pytest.fixture
def outbox(plugin: Any) -> Any:
    return plugin.Outbox()


@pytest.fixture
def entry(plugin: Any) -> Make:
    def make(number: int, state: str = "Success", size: int = SIZE, clock: int = 0) -> Any:
        return plugin.Entry(job_id(number), 1000.0 + number, clock, b"x" * size, state, number)

    return make


def told(outbox: Any, limit: int = 200) -> list[tuple[str, str, bool]]:
    """The state, the event and whether there is a text, in the order in which they go."""
    entries = outbox.take(limit, 0).entries
    return [(entry.state, entry.event.kind if entry.event else "", bool(entry.text)) for entry in entries]


def numbers(outbox: Any, limit: int = 200) -> list[int]:
    return [int(entry.job[-12:]) for entry in outbox.take(limit, 0).entries]


def test_the_oldest_ends_are_kept(outbox: Any, entry: Make) -> None:
    for number in range(20):
        outbox.put(entry(number))
    assert numbers(outbox) == list(range(10))


def test_jobs_that_go_on_leave_room_for_ends(outbox: Any, entry: Make) -> None:
    for number in range(20):
        outbox.put(entry(number, "Running"))
    outbox.put(entry(100))
    assert numbers(outbox) == [*range(5), 100]


def test_a_text_too_many_shrinks_to_its_event(outbox: Any, entry: Make) -> None:
    outbox.put(entry(1, size=99 * SIZE))
    outbox.put(entry(2, "Failure", size=2 * SIZE))
    assert told(outbox) == [("Success", "", True), ("", "JobFailure", False)]


def test_room_comes_back_when_reports_are_acknowledged(outbox: Any, entry: Make) -> None:
    for _ in range(3):
        for number in range(10):
            outbox.put(entry(number, size=9 * SIZE))
        assert told(outbox) == [("Success", "", True)] * 10
        outbox.settle(outbox.take(200, 0))
        assert numbers(outbox) == []


def test_newer_takes_the_place_of_older(outbox: Any, entry: Make) -> None:
    for number, state in ((1, "Running"), (2, "Running"), (1, "Success")):
        outbox.put(entry(number, state))
    assert numbers(outbox) == [1, 2]
    assert told(outbox, 1) == [("Success", "", True)]


def test_what_was_read_anew_meanwhile_is_sent_too(outbox: Any, entry: Make) -> None:
    outbox.put(entry(1, "Running"))
    on_its_way = outbox.take(200, 0)
    outbox.put(entry(1, "Success"))
    outbox.settle(on_its_way)
    assert told(outbox) == [("Success", "", True)]


def test_clock_epochs_are_not_mixed(outbox: Any, entry: Make) -> None:
    for number, clock in enumerate((0, 0, 1)):
        outbox.put(entry(number, clock=clock))
    assert numbers(outbox) == [0, 1]
    outbox.settle(outbox.take(200, 0))
    assert numbers(outbox) == [2]


def test_the_ids_follow_what_was_read_before(plugin: Any, outbox: Any, entry: Make) -> None:
    outbox.put(entry(1))
    outbox.put(entry(2))
    outbox.close(plugin.Round(1000.0, 0, 0, False, [], plugin.deque()))
    outbox.put(entry(3))
    plugin.MOST_JOBS = 1
    first = outbox.take(1, 0)
    outbox.settle(first)
    second = outbox.take(1, 0)
    assert [bool(batch.round) for batch in (first, second)] == [False, True]


def test_a_round_of_an_earlier_asking_is_void(plugin: Any, outbox: Any) -> None:
    outbox.close(plugin.Round(1000.0, 0, 0, False, [], plugin.deque()))
    assert outbox.take(200, 1).round is None
    assert outbox.take(200, 0).round is None


def test_events_are_bounded(plugin: Any) -> None:
    plugin.MOST_EVENTS = 3
    inbox = plugin.Inbox()
    for number in range(10):
        inbox.put(job_id(number), plugin.Happening("JobSubmitted", 0.0))
    inbox.put(job_id(1), plugin.Happening("JobSuccess", 1.0))
    taken = [inbox.take() for _ in range(4)]
    assert [(job, event.kind) for job, event in taken[:3]] == [
        (job_id(0), "JobSubmitted"),
        (job_id(1), "JobSuccess"),
        (job_id(2), "JobSubmitted"),
    ]
    assert taken[3] is None
