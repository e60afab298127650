"""The owners' lines: written and read again, and ordered by clock before stamp."""

import pytest

from jobindex.model.record import FORGOTTEN, HELD, HISTORY, LOST, MISSED, Record

from ...builders import stamp


def record(clock: int = 0, at: float = 0, state: str = "Running", mark: str = HELD) -> Record:
    return Record("node-1", "a1", clock, stamp(at), state, mark)


@pytest.mark.parametrize("mark", [HELD, MISSED, HISTORY, FORGOTTEN, LOST])
def test_a_line_is_read_as_it_was_written(mark: str) -> None:
    written = record(3, 1.5, mark=mark)
    assert Record.read(written.line) == written


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a",
        "node a1 0 stamp Running",
        "node a1 x stamp Running held",
    ],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        Record.read(line)


def test_what_a_newer_version_tells_behind_it_is_passed_over() -> None:
    read = Record.read(record().line + " more words")
    assert (read.order, read.mark, read.rest) == (record().order, HELD, "more words")


def test_the_clock_decides_before_the_stamp() -> None:
    words = [record(1, 0), record(0, 9), record(0, 0.5), record(0, 0)]
    assert sorted(words, key=lambda word: word.order) == words[::-1]


def test_only_held_and_missed_jobs_are_on_their_node() -> None:
    assert [mark for mark in (HELD, MISSED, HISTORY, FORGOTTEN, LOST) if record(mark=mark).on_node] == [HELD, MISSED]


def test_success_and_failure_are_final() -> None:
    states = ("Pending", "Running", "Success", "Failure", "Paused", "Retry")
    assert [state for state in states if record(state=state).final] == ["Success", "Failure"]
