"""What a replica has told is found once, by the call that told it."""

import pytest

from jobindex.store.jobs import Stored
from jobindex.store.told import Told

from ...builders import job_id, word


def test_a_word_is_taken_once_and_by_its_own_call_only() -> None:
    told: Told[Stored] = Told()
    told.note("call", [word(1), word(2)])
    assert told.take("other", job_id(1)) is None
    assert told.take("call", job_id(1)) == word(1)
    assert told.take("call", job_id(1)) is None
    assert told.take("call", job_id(2)) == word(2)


def test_of_two_words_on_one_job_none_is_known() -> None:
    told: Told[Stored] = Told()
    told.note("call", [word(1, at=2), word(1, at=1)])
    assert told.take("call", job_id(1)) is None


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.store.told.MOST", 2)
    told: Told[Stored] = Told()
    for number in (1, 2, 3):
        told.note("call", [word(number)])
    assert [told.take("call", job_id(number)) is None for number in (1, 2, 3)] == [True, False, False]


def test_bounds_words_that_nobody_takes_stay_within_a_bound_in_bytes() -> None:
    told: Told[Stored] = Told()
    large = [word(number, Content={"Description": "x" * 100_000}) for number in range(20)]
    for call in range(60):
        told.note(str(call), large)
    kept = sum(len(each.text) for call in range(60) for job in large if (each := told.take(str(call), job.id)))
    assert 0 < kept <= 16 << 20
    told.note("last", [word(1)])
    assert told.take("last", job_id(1)) == word(1)
