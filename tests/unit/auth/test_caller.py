"""A caller is the credentials it brought, and nothing that is printed shows them."""

import traceback

import pytest

from jobindex.auth.caller import Caller

SECRET = "Basic ZGVtbzpkZW1v"


def test_callers_are_told_apart_by_their_fingerprints() -> None:
    one, same, other = (Caller((("Authorization", text),)) for text in ("a", "a", "b"))
    assert one.fingerprint == same.fingerprint
    assert len({one.fingerprint, other.fingerprint, Caller(()).fingerprint}) == 3


def test_neither_repr_nor_fingerprint_nor_a_traceback_shows_credentials() -> None:
    caller = Caller((("Authorization", SECRET), ("token", "hidden")))
    try:
        raise ValueError(f"{caller} {caller!r}")
    except ValueError as error:
        shown = "".join(traceback.format_exception(error)) + str([caller]) + caller.fingerprint
    assert SECRET not in shown
    assert "ZGVtbzpkZW1v" not in shown
    assert "hidden" not in shown


def test_bytes_that_are_no_text_can_be_fingerprinted() -> None:
    assert Caller((("Authorization", "\udcff"),)).fingerprint


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        ("Basic ZGVtbzpkZW1v", "demo"),
        ("basic ZGVtbw==", "demo"),
        ("Basic ?", ""),
        ("Bearer ZGVtbzpkZW1v", ""),
        ("", ""),
    ],
)
def test_a_basic_login_names_its_user(authorization: str, name: str) -> None:
    assert Caller((("Authorization", authorization),)).name == name


def test_a_proxys_word_on_who_it_is_comes_first() -> None:
    assert Caller((("Authorization", SECRET),), trusted_name="ann").name == "ann"
