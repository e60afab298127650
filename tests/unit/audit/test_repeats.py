"""The first of a kind is recorded at once, the others of its minute as one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobindex.audit.events import READ
from jobindex.audit.record import Record
from jobindex.audit.repeats import MINUTE, Repeats
from jobindex.audit.trail import Trail, opened

from ..waiting import HandClock, until

POLL = Record(READ, user="demo", address="10.0.0.1", status=200)


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    with opened(str(tmp_path / "audit")) as trail:
        yield trail


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def repeats(trail: Trail, clock: HandClock) -> Repeats:
    return Repeats(trail, clock)


async def counts(tmp_path: Path, number: int) -> list[int]:
    """The counts of so many records; more would be a failure."""
    path = tmp_path / "audit"
    await until(lambda: path.exists() and len(path.read_text().splitlines()) >= number)
    return [json.loads(line).get("Count", 1) for line in path.read_text().splitlines()]


async def test_a_minute_of_polls_is_two_records(repeats: Repeats, clock: HandClock, tmp_path: Path) -> None:
    for number in range(20):
        repeats.note(POLL, request=str(number))
        clock.pass_by(MINUTE / 20)
        await repeats.flush_due()
    assert await counts(tmp_path, 2) == [1, 19]
    repeats.note(POLL)
    assert await counts(tmp_path, 3) == [1, 19, 1]


async def test_who_or_what_is_another_is_another_kind(repeats: Repeats, tmp_path: Path) -> None:
    for record in (POLL, Record(READ, user="other"), Record(READ, user="demo", status=401), POLL):
        repeats.note(record)
    repeats.flush()
    assert await counts(tmp_path, 4) == [1, 1, 1, 1]


async def test_what_happened_once_leaves_no_second_record(
    repeats: Repeats, clock: HandClock, tmp_path: Path, trail: Trail
) -> None:
    repeats.note(POLL)
    clock.pass_by(MINUTE)
    await repeats.flush_due()
    await trail.written(POLL)
    assert await counts(tmp_path, 2) == [1, 1]


async def test_kinds_without_end_fill_no_memory(
    repeats: Repeats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("jobindex.audit.repeats.MOST", 2)
    for user in ("a", "a", "a", "b", "c"):
        repeats.note(Record(READ, user=user))
    assert sorted(await counts(tmp_path, 4)) == [1, 1, 1, 2]
