"""What was put into the index lately is remembered, within bounds."""

from jobindex.service.recent import Recent

from ...builders import job_id, word


def test_a_word_is_remembered_until_it_is_forgotten() -> None:
    recent = Recent()
    recent.note([word(1), word(2)])
    recent.forget(job_id(1))
    recent.forget(job_id(3))
    assert recent.words() == [word(2)]


def test_bounds_recent_words_stay_within_a_bound_in_bytes() -> None:
    recent = Recent()
    for number in range(100):
        recent.note([word(number, Content={"Description": "x" * 1_000_000})])
    kept = recent.words()
    assert sum(len(each.text) for each in kept) <= 64 << 20
    assert kept[-1].id == job_id(99)


def test_bounds_a_recent_word_that_is_said_again_counts_once() -> None:
    recent = Recent()
    for _ in range(100):
        recent.note([word(1), word(2, Content={"Description": "x" * 1_000_000})])
    assert [each.id for each in recent.words()] == [job_id(1), job_id(2)]
