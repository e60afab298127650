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


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        (PROXY, "203.0.113.7:52811", "203.0.113.7"),
        (PROXY, "[2001:db8::1]:52811", "2001:db8::1"),
        (PROXY, "[2001:db8::1]", "2001:db8::1"),
        (PROXY, "192.0.2.1, 203.0.113.7:1", "203.0.113.7"),
        (PROXY, "::ffff:203.0.113.7", "203.0.113.7"),
        (f"::ffff:{PROXY}", "203.0.113.7", "203.0.113.7"),
    ],
)
def test_rights_a_port_or_brackets_belong_to_no_address(peer: str, told: str, address: str) -> None:
    assert recognised([("X-Forwarded-For", told)], peer=peer).address == address


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["203.0.113.7", "10.0.0.3:81, 10.0.0.2"], "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["unknown, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.7, , 10.0.0.2"], "10.0.0.2"),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
    ],
)
def test_rights_behind_several_proxies_the_last_that_is_none_of_them_is_the_caller(
    told: Sequence[str], address: str
) -> None:
    assert recognised([("X-Forwarded-For", each) for each in told], peer=PROXY).address == address


@pytest.mark.parametrize(
    ("header", "told", "address"),
    [
        ("X-Real-IP", "203.0.113.7", "203.0.113.7"),
        ("Forwarded", "for=203.0.113.7", "203.0.113.7"),
        ("Forwarded", 'proto=https;For="[2001:db8::1]:4711", for=10.0.0.2;by=10.0.0.1', "2001:db8::1"),
        ("Forwarded", 'for="203.0.113.7:99";host="a,b", for=10.0.0.2', "203.0.113.7"),
        ("Forwarded", "for=_hidden", PROXY),
        ("Forwarded", "host=203.0.113.7", PROXY),
    ],
)
def test_rights_exactly_the_header_that_is_named_is_read(header: str, told: str, address: str) -> None:
    all_of_them = {"X-Forwarded-For": "1.1.1.1", "X-Real-IP": "1.1.1.2", "Forwarded": "for=1.1.1.3"}
    recognition = Recognition(proxies=[ip_network("10.0.0.0/8")], address_header=header)
    assert recognition.address(CIMultiDict({**all_of_them, header: told}), PROXY) == address
