"""Who guesses waits, and nobody else does."""

import pytest

from jobindex.auth import logins as module
from jobindex.auth.caller import Caller
from jobindex.auth.logins import AT_ONCE, GOOD_LASTS, TRY_LASTS, WINDOW, Logins
from jobindex.errors import TooOften

from ..waiting import HandClock

HERE, ELSEWHERE = "10.1.2.3", "10.1.2.4"


def caller(password: object, address: str = HERE) -> Caller:
    return Caller((("Authorization", f"Basic {password}"),), address=address)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def logins(clock: HandClock) -> Logins:
    """Of which five have failed here, each with another password."""
    logins = Logins(5, clock)
    for guess in range(5):
        logins.check(caller(guess))
        logins.failed(caller(guess))
    return logins


def test_the_sixth_guess_of_a_minute_waits_for_the_rest_of_it(logins: Logins, clock: HandClock) -> None:
    clock.pass_by(WINDOW - 1.5)
    with pytest.raises(TooOften) as held:
        logins.check(caller("another"))
    assert held.value.seconds == 2
    clock.pass_by(1.5)
    logins.check(caller("another"))


def test_who_is_elsewhere_or_brings_nothing_is_not_held_up(logins: Logins) -> None:
    logins.check(caller("another", ELSEWHERE))
    logins.check(Caller((), address=HERE))


def test_tokens_are_guesses_too(logins: Logins) -> None:
    with pytest.raises(TooOften):
        logins.check(Caller((), (("token", "x"),), HERE))


def test_whose_credentials_were_taken_is_not_held_up_for_an_hour(logins: Logins, clock: HandClock) -> None:
    logins.succeeded(caller("right"))
    logins.check(caller("right"))
    clock.pass_by(GOOD_LASTS)
    for guess in range(5):
        logins.failed(caller(guess))
    with pytest.raises(TooOften):
        logins.check(caller("right"))


def test_credentials_that_are_taken_no_more_are_guesses_again(logins: Logins) -> None:
    logins.succeeded(caller("right"))
    logins.failed(caller("right"))
    with pytest.raises(TooOften):
        logins.check(caller("right"))


def test_one_guess_again_and_again_holds_up_itself_and_nobody_else(clock: HandClock) -> None:
    logins = Logins(5, clock)
    for _ in range(5):
        logins.check(caller("old"))
        logins.failed(caller("old"))
    with pytest.raises(TooOften):
        logins.check(caller("old"))
    logins.check(caller("right"))


def test_an_ipv6_address_stands_for_its_network(clock: HandClock) -> None:
    logins = Logins(5, clock)
    for guess in range(5):
        logins.failed(caller(guess, f"2001:db8:1:2::{guess}"))
    with pytest.raises(TooOften):
        logins.check(caller("another", "2001:db8:1:2:3::9"))
    logins.check(caller("another", "2001:db8:1:3::9"))


def test_callers_without_credentials_never_fail(clock: HandClock) -> None:
    logins = Logins(1, clock)
    logins.failed(Caller((), address=HERE))
    logins.check(caller("right"))


def test_no_limit_holds_nobody_up(clock: HandClock) -> None:
    logins = Logins(0, clock)
    for guess in range(100):
        logins.failed(caller(guess))
    logins.check(caller("another"))


def test_only_so_much_is_remembered(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    logins = Logins(1, clock)
    for guess in range(9):
        logins.failed(caller(guess, f"10.0.0.{guess}"))
        logins.succeeded(caller(f"right {guess}"))
    logins.check(caller("another", "10.0.0.0"))
    with pytest.raises(TooOften):
        logins.check(caller("another", "10.0.0.8"))


def test_many_guesses_at_once_are_not_all_let_through(clock: HandClock) -> None:
    logins = Logins(5, clock)
    for guess in range(AT_ONCE):
        logins.check(caller(guess))
        logins.check(caller(guess))
    with pytest.raises(TooOften) as held:
        logins.check(caller("another"))
    assert held.value.seconds == 1
    logins.check(caller(0))
    logins.check(caller("another", ELSEWHERE))
    logins.succeeded(caller(0))
    logins.check(caller("another"))


def test_what_orthanc_says_nothing_of_is_not_waited_for_long(clock: HandClock) -> None:
    logins = Logins(5, clock)
    for guess in range(AT_ONCE):
        logins.check(caller(guess))
    clock.pass_by(TRY_LASTS)
    logins.check(caller("another"))
