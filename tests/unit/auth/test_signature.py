"""A report counts only if one who knows the secret sent exactly this, here, not long ago."""

import pytest

from jobindex.auth.signature import NONCE, SIGNATURE, TIME, WINDOW, check, signature
from jobindex.errors import NotSigned

SECRET = b"0123456789abcdef"
NOW = 1_780_000_000_000
PATH = "/nodes/a/report"
BODY = b'{"Format": 1}'
NONCE_TEXT = "0f" * 16


def headers(time_ms: int = NOW, secret: bytes = SECRET, path: str = PATH, body: bytes = BODY) -> dict[str, str]:
    sign = signature(secret, "POST", path, str(time_ms), NONCE_TEXT, body)
    return {TIME: str(time_ms), NONCE: NONCE_TEXT, SIGNATURE: sign}


def checked(given: dict[str, str], path: str = PATH, body: bytes = BODY, method: str = "POST") -> None:
    check([b"another secret of them", SECRET], method, path, given, body, NOW)


def test_the_signature_is_the_one_that_the_contract_names() -> None:
    by_hand = "442f5883f98c79fe8f34c592cae1c5f4f571c4fbce0adf0200cac625b6caa3cc"
    assert signature(b"secret", "POST", PATH, "1", "ab" * 16, b"") == by_hand


@pytest.mark.parametrize("off", [0, WINDOW, -WINDOW])
def test_a_right_signature_passes_within_the_window(off: int) -> None:
    checked(headers(NOW + off))


@pytest.mark.parametrize("off", [WINDOW + 1, -WINDOW - 1])
def test_a_signature_outside_the_window_is_refused(off: int) -> None:
    with pytest.raises(NotSigned, match="clock"):
        checked(headers(NOW + off))


def test_another_secret_is_refused() -> None:
    with pytest.raises(NotSigned, match="secret"):
        checked(headers(secret=b"another secret of somebody"))


def test_a_signature_counts_only_for_the_node_that_it_names() -> None:
    with pytest.raises(NotSigned):
        checked(headers(path="/nodes/a/report"), path="/nodes/b/report")


def test_a_signature_counts_only_for_the_body_that_was_signed() -> None:
    with pytest.raises(NotSigned):
        checked(headers(), body=BODY + b" ")


def test_a_signature_counts_only_for_its_method() -> None:
    with pytest.raises(NotSigned):
        checked(headers(), method="GET")


@pytest.mark.parametrize("changed", [{TIME: str(NOW + 1)}, {NONCE: "1f" * 16}])
def test_time_and_nonce_are_signed_too(changed: dict[str, str]) -> None:
    with pytest.raises(NotSigned):
        checked({**headers(), **changed})


@pytest.mark.parametrize("missing", [TIME, NONCE, SIGNATURE])
def test_no_header_may_be_missing(missing: str) -> None:
    given = headers()
    del given[missing]
    with pytest.raises(NotSigned):
        checked(given)


@pytest.mark.parametrize("nonce", ["", "short", "x" * 65, "a\nb" * 8])
def test_a_nonce_has_a_form(nonce: str) -> None:
    sign = signature(SECRET, "POST", PATH, str(NOW), nonce, BODY)
    with pytest.raises(NotSigned, match="not signed"):
        checked({TIME: str(NOW), NONCE: nonce, SIGNATURE: sign})


@pytest.mark.parametrize("time_ms", ["", "soon", "-1", "1e9", "١٢٣"])
def test_a_time_is_plain_digits(time_ms: str) -> None:
    sign = signature(SECRET, "POST", PATH, time_ms, NONCE_TEXT, BODY)
    with pytest.raises(NotSigned, match="not signed"):
        checked({TIME: time_ms, NONCE: NONCE_TEXT, SIGNATURE: sign})


def test_what_is_no_text_is_no_signature() -> None:
    with pytest.raises(NotSigned):
        checked({**headers(), SIGNATURE: "\udcff" * 64})
