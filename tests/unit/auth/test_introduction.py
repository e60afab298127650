"""A proxy that has decided is believed from its address only, and has to name one user."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from jobindex.auth.caller import Caller
from jobindex.auth.introduction import Introduction
from jobindex.auth.recognition import Recognition

PROXY, OUTSIDE = "10.0.0.1", "192.0.2.7"
ANN = ("X-Forwarded-User", "ann")


def introduced(*headers: tuple[str, str], peer: str = PROXY, query: Sequence[tuple[str, str]] = ()) -> Caller:
    recognition = Recognition(("token",), ("token",), [ip_network("10.0.0.0/30")])
    introduction = Introduction(recognition, "X-Forwarded-User", "X-Forwarded-Groups")
    return introduction.caller(CIMultiDict(headers), query, peer)


def test_a_caller_is_who_the_proxy_says() -> None:
    caller = introduced(ANN, ("X-Forwarded-Groups", "doctors, admins,"), ("X-Forwarded-For", "198.51.100.9"))
    assert (caller.name, caller.roles, caller.address) == ("ann", ("doctors", "admins"), "198.51.100.9")
    assert not caller.barred
    assert introduced(ANN).roles == ()


def test_nothing_that_a_caller_brings_is_taken_along() -> None:
    caller = introduced(ANN, ("Authorization", "Basic x"), ("Token", "t"), query=[("token", "t")])
    assert (caller.headers, caller.arguments) == ((), ())


@pytest.mark.parametrize("peer", [OUTSIDE, "10.0.0.4", "127.0.0.1", "::1", ""])
def test_from_any_other_address_nobody_is_let_in(peer: str) -> None:
    caller = introduced(ANN, ("X-Forwarded-For", "10.0.0.1"), peer=peer)
    assert caller == Caller((), address=peer, barred="Clients are let in by the proxy in front only")


@pytest.mark.parametrize("named", [[], [("X-Forwarded-User", " ")], [ANN, ANN], [ANN, ("X-Forwarded-User", "bob")]])
def test_a_proxy_that_names_nobody_or_several_has_let_nobody_in(named: list[tuple[str, str]]) -> None:
    caller = introduced(*named, ("X-Forwarded-Groups", "admins"))
    assert "X-Forwarded-User" in caller.barred
    assert (caller.name, caller.roles, caller.address) == ("", (), PROXY)


def test_users_are_told_apart() -> None:
    assert introduced(ANN).fingerprint != introduced(("X-Forwarded-User", "bob")).fingerprint
