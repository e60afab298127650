"""The tree of errors: each has a word, and each word a row in the table of answers."""

import pytest

from jobindex import errors
from jobindex.errors import JobIndexError, OwnerError, OwnerGone, OwnerSilent, OwnerUnreachable, Refused
from jobindex.web.errors import TABLE

TREE = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, JobIndexError)]


def test_no_two_errors_chose_one_word() -> None:
    """An error that is answered as its parent is has no word of its own."""
    chosen = [each.word for each in TREE if "word" in vars(each)]
    assert len(set(chosen)) == len(chosen)


def test_every_word_has_a_row_and_every_row_a_word() -> None:
    assert TABLE.keys() == {each.word for each in TREE}


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_is_an_error_to_a_client(error: type[JobIndexError]) -> None:
    assert 400 <= TABLE[error.word].status < 600


def test_never_sent_and_never_answered_are_told_apart() -> None:
    assert all(issubclass(error, OwnerError) for error in (OwnerGone, OwnerUnreachable, OwnerSilent))
    assert not TABLE[OwnerUnreachable.word].unknown_outcome
    assert TABLE[OwnerUnreachable.word].retry
    assert TABLE[OwnerSilent.word].unknown_outcome
    assert not TABLE[OwnerSilent.word].retry


def test_a_refusal_carries_orthancs_answer() -> None:
    refusal = Refused(401, 'Basic realm="Orthanc Secure Area"')
    assert (refusal.status, refusal.challenge) == (401, 'Basic realm="Orthanc Secure Area"')
