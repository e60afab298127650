"""Logins in URLs, well written or not: no part of a password is left."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model.url_logins import without_logins


def masked(text: str) -> str:
    told = json.loads(without_logins(json.dumps([text, "x@y"]).encode()))
    assert told[1] == "x@y"
    return str(told[0])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("http://user:p@ss-word@host/", "http://REDACTED@host/"),
        ("http://user:pa/ss@host/x", "http://REDACTED@host/x"),
        ('http://user:pa"ss@host/', "http://REDACTED@host/"),
        ("http://us er:pw@host/", "http://REDACTED@host/"),
        ("http://user:p#?w@host", "http://REDACTED@host"),
        ("http://user:\\@host/", "http://REDACTED@host/"),
        ("http://user@host/a@b", "http://REDACTED@host/a@b"),
        ("no http://u:p@h/x\nnor http://v:q@i/", "no http://REDACTED@h/x\nnor http://REDACTED@i/"),
        ("http://user:p@host/a@b", "http://REDACTED@b"),
    ],
)
def test_bounds_a_login_is_masked_whatever_it_holds(written: str, shown: str) -> None:
    assert masked(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://host/a@b",
        "http://host:8042/a",
        "at http://host:8042/: ask bob@host",
        "a@b://c",
        "http://host is away, ask bob@host",
        "http://@host/",
    ],
)
def test_bounds_what_holds_no_login_stays(text: str) -> None:
    assert masked(text) == text


def test_bounds_slashes_may_be_written_with_a_backslash() -> None:
    assert without_logins(rb'"http:\/\/user:p@host\/"') == rb'"http:\/\/REDACTED@host\/"'


WRITTEN = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('@/:"\\?#.'), max_size=12)
ONE_WORD = WRITTEN.map(lambda text: "".join(text.replace('"', "").split()))


@given(user=ONE_WORD, password=ONE_WORD, before=WRITTEN, behind=st.sampled_from(["", "/", "/a", ":8042/", " ", '"']))
def test_bounds_no_password_of_one_word_is_left(user: str, password: str, before: str, behind: str) -> None:
    text = f"{before} x://{user}:{password}CANARY@host{behind}"
    told = masked(text)
    assert "CANARY" not in told
    assert told.endswith(f"@host{behind}")
    assert masked(told) == told


@given(user=WRITTEN, password=WRITTEN)
def test_bounds_no_password_without_a_slash_is_left(user: str, password: str) -> None:
    user, password = (text.translate(dict.fromkeys(map(ord, "/?#"))) for text in (user, password))
    assert masked(f"x://{user}:{password}CANARY@host/") == "x://REDACTED@host/"


@pytest.mark.parametrize("text", ["://a", "://", "@://", "://a@", "://a:", ":// @"])
def test_bounds_many_take_as_much_longer_as_they_are_more(text: str) -> None:
    def took(number: int) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            without_logins(b'"@","' + text.encode() * number + b'"')
            times.append(time.process_time() - began)
        return min(times)

    assert took(40_000) < 9 * max(took(10_000), 0.001)
