"""A caller is the credentials it brought, and nothing that is printed shows them."""

import traceback

from multidict import CIMultiDict

from jobindex.auth.caller import Caller, caller_of

SECRET = "Basic ZGVtbzpkZW1v"


def test_only_credential_headers_make_the_caller() -> None:
    caller = caller_of(CIMultiDict({"authorization": SECRET, "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4"}))
    assert caller == Caller((("Authorization", SECRET),))


def test_token_headers_count_where_they_are_named() -> None:
    given = CIMultiDict({"Token": "t", "Api-Key": "k"})
    assert caller_of(given).headers == ()
    assert caller_of(given, ("token", "api-key")).headers == (("token", "t"), ("api-key", "k"))


def test_of_several_headers_of_one_name_the_first_counts() -> None:
    given = CIMultiDict([("Authorization", "first"), ("Authorization", "second")])
    assert caller_of(given).headers == (("Authorization", "first"),)


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
