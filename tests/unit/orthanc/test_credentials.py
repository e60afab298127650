"""What says who asks is added to a path that was checked, and can't change what is asked."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.orthanc.client import exactly
from jobindex.orthanc.credentials import NOBODY, Credentials, authorized

PATH = "/jobs/00000000-0000-4000-8000-000000000001/cancel"


def arguments(*pairs: tuple[str, str]) -> Credentials:
    return Credentials(arguments=pairs)


def test_without_arguments_a_path_stays_as_it_is() -> None:
    assert NOBODY.added_to("/jobs?expand") == "/jobs?expand"
    assert authorized("Bearer x") == Credentials((("Authorization", "Bearer x"),))


@pytest.mark.parametrize(
    ("path", "credentials", "sent"),
    [
        ("/jobs", arguments(("token", "t")), "/jobs?token=t"),
        ("/jobs?expand", arguments(("token", "t")), "/jobs?expand&token=t"),
        ("/jobs", arguments(("token", "1"), ("token", "2"), ("key", "")), "/jobs?token=1&token=2&key="),
        ("/jobs", arguments(("token", "a b&_method=DELETE#x?/+%é")),
         "/jobs?token=a%20b%26_method%3DDELETE%23x%3F%2F%2B%25%C3%A9"),
        ("/jobs", arguments(("a&b", "\udcff\r\n")), "/jobs?a%26b=%FF%0D%0A"),
    ],
)  # fmt: skip
def test_arguments_are_encoded_in_their_order(path: str, credentials: Credentials, sent: str) -> None:
    assert credentials.added_to(path) == sent


def test_credentials_are_not_printed() -> None:
    shown = f"{authorized('Bearer hidden')} {arguments(('token', 'hidden'))!r}"
    assert "hidden" not in shown


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=1, max_size=4))
def test_whatever_a_token_is_the_path_stays_and_the_token_arrives(pairs: list[tuple[str, str]]) -> None:
    """Of what can be sent at all: text without lone surrogates."""
    pairs = [(name, value) for name, value in pairs if (name + value).encode(errors="ignore").decode() == name + value]
    sent = exactly(f"http://127.0.0.1:8042{Credentials(arguments=tuple(pairs)).added_to(PATH)}")
    assert (sent.raw_path, sent.raw_fragment) == (PATH, "")
    assert parse_qsl(sent.raw_query_string, keep_blank_values=True) == pairs
