"""Orthanc's time form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model.moment import is_moment, moment, seconds_of

MICROS = st.integers(0, 4_000_000_000_000_000)


@given(MICROS)
def test_a_moment_is_read_as_it_was_written(micros: int) -> None:
    assert round(seconds_of(moment(micros / 1e6)) * 1e6) == micros


@given(MICROS, MICROS)
def test_moments_compare_like_their_texts(one: int, other: int) -> None:
    assert (one < other) == (moment(one / 1e6) < moment(other / 1e6))


def test_the_form_is_orthancs() -> None:
    assert moment(1795319112.123456) == "20261122T034512.123456"
    assert moment(1795319112) == "20261122T034512"


@pytest.mark.parametrize(
    "text",
    ["", "2026112T034512", "20261122T0345", "20261122T034512.", "20261122T034512.1234567", "20261122T034512Z",
     "20261122 034512", "20261322T034512", "00000101T000000", "20261122T034512\n", "\uff120261122T034512"],
)  # fmt: skip
def test_what_is_no_moment_is_refused_and_not_repeated(text: str) -> None:
    assert not is_moment(text)
    with pytest.raises(ValueError, match=r"^a moment [a-zA-Z .]+$"):
        seconds_of(text)


def test_what_is_no_text_is_no_moment() -> None:
    assert is_moment("20261122T034512")
    assert not is_moment(20261122)
