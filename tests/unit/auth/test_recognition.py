"""Which parts of a request make its caller, and which proxies are believed."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from jobindex.auth.caller import Caller
from jobindex.auth.recognition import Recognition

SECRET = "Basic ZGVtbzpkZW1v"
PROXY, OUTSIDE = "10.0.0.1", "192.0.2.7"


def recognised(
    headers: Sequence[tuple[str, str]] = (), query: Sequence[tuple[str, str]] = (), peer: str = OUTSIDE
) -> Caller:
    recognition = Recognition(("token", "api-key"), ("token",), [ip_network("10.0.0.0/8")])
    return recognition.caller(CIMultiDict(headers), query, peer)


def test_only_credential_headers_make_the_caller() -> None:
    caller = recognised([("authorization", SECRET), ("Cookie", "a=b"), ("X-User", "x")])
    assert caller == Caller((("Authorization", SECRET),), address=OUTSIDE)


def test_tokens_count_where_they_are_named() -> None:
    given = [("Token", "t"), ("Api-Key", "k")]
    assert recognised(given).headers == (("token", "t"), ("api-key", "k"))
    assert recognised(query=[("token", "t"), ("expand", "")]).arguments == (("token", "t"),)
    assert Recognition().caller(CIMultiDict(given), given, OUTSIDE) == Caller((), address=OUTSIDE)


def test_of_several_headers_of_one_name_the_first_counts() -> None:
    assert recognised([("Authorization", "1"), ("Authorization", "2")]).headers == (("Authorization", "1"),)


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        (PROXY, "192.0.2.1", "192.0.2.1"),
        (PROXY, "198.51.100.9, 192.0.2.1", "192.0.2.1"),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, "nonsense", PROXY),
        (PROXY, "", PROXY),
        (OUTSIDE, "192.0.2.1", OUTSIDE),
        ("", "192.0.2.1", ""),
    ],
)
def test_an_address_is_what_a_believed_proxy_wrote_last(peer: str, told: str, address: str) -> None:
    assert recognised([("X-Forwarded-For", told)], peer=peer).address == address
