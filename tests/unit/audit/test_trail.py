"""What is told to the trail is written, whole, once and in order, and nobody waits long for a sink that fails."""

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from jobindex.audit.events import RECORDS_LOST, STARTED
from jobindex.audit.record import Record
from jobindex.audit.sink import Sink
from jobindex.audit.trail import Trail, opened
from jobindex.audit.writer import Writer

from ..waiting import until

FULL = Path("/dev/full")


def users(path: Path) -> list[str]:
    """Who is named in the trail, in order."""
    return [each["ActiveParticipant"][0]["UserID"] for each in records(path) if "ActiveParticipant" in each]


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.audit.writer.AGAIN", 0.02)


async def test_what_was_told_is_written_when_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    with opened(str(path)) as trail:
        for number in range(3):
            assert await trail.written(Record(STARTED, user=str(number)))
            assert users(path) == [str(each) for each in range(number + 1)]
        assert trail.state == "written"


def test_what_is_left_is_written_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    with opened(str(path)) as trail:
        for number in range(1000):
            trail.note(Record(STARTED, user=str(number)))
    assert users(path) == [str(number) for number in range(1000)]


async def test_a_full_disk_holds_nobody_up_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, real = tmp_path / "audit", tmp_path / "real"
    path.symlink_to(FULL)
    with opened(str(path)) as trail:
        trail.note(Record(STARTED, user="0"))
        await until(lambda: trail.state == "failing")
        assert not await trail.written(Record(STARTED, user="1"))
        other = tmp_path / "other"
        other.symlink_to(real)
        other.replace(path)
        await until(lambda: trail.state == "written")
        assert await trail.written(Record(STARTED, user="2"))
    assert users(real) == ["0", "1", "2"]
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING"]  # once each, however often it was tried


async def test_what_is_too_much_is_counted_in_the_trail(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    path.symlink_to(FULL)
    writer = Writer(Sink(path), most=2)
    thread = threading.Thread(target=writer.run)
    thread.start()
    trail = Trail(writer)
    for number in range(5):
        trail.note(Record(STARTED, user=str(number)))
    await until(lambda: writer.failing)
    path.unlink()
    await until(lambda: writer.has_room)
    assert await trail.written(Record(STARTED, user="last"))
    writer.close()
    thread.join()
    assert users(path) == ["0", "1", "last"]
    (gap,) = [each for each in records(path) if each["EventTypeCode"][0]["csd-code"] == "110133"]
    assert (gap["Count"], gap["EventOutcomeIndicator"]) == (3, 12)
    assert RECORDS_LOST.type is not None


async def test_a_line_that_was_half_written_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, attempts = tmp_path / "audit", 0

    def short(file: int, text: bytes) -> int:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            raise OSError(28, "No space left on device")
        return whole(file, text[:10])

    whole = os.write
    monkeypatch.setattr("jobindex.audit.sink.os.write", short)
    with opened(str(path)) as trail:
        written = trail.note(Record(STARTED, user="0"))
        await until(lambda: written is not None and written.done())
    assert users(path) == ["0"]


async def test_a_pipe_that_nobody_reads_is_failing_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.audit.writer.SLOW", 0.02)
    monkeypatch.setattr("jobindex.audit.trail.SLOW", 0.02)
    monkeypatch.setattr("jobindex.audit.trail.LAST_WORDS", 0.05)
    reader, pipe = os.pipe()
    monkeypatch.setattr("jobindex.audit.sink.STANDARD_OUTPUT", pipe)
    with opened("") as trail:
        while trail.state == "written":
            await trail.written(Record(STARTED, user="x" * 100))
        assert not await trail.written(Record(STARTED))
    os.close(reader)  # the thread gets its error and ends
    os.close(pipe)


async def test_a_broken_pipe_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, pipe = os.pipe()
    monkeypatch.setattr("jobindex.audit.sink.STANDARD_OUTPUT", pipe)
    os.close(reader)
    with opened("") as trail:
        trail.note(Record(STARTED))
        await until(lambda: trail.state == "failing")
    os.close(pipe)


async def test_no_trail_is_said_loudly_and_refuses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with opened("none") as trail:
        assert await trail.written(Record(STARTED))
        assert trail.state == "off"
    assert "no audit trail" in caplog.text
