"""Throttled logins: guessers are bounded, and whoever has the right password gets through, whatever others do."""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobindex.auth.attempts import PATIENCE_S, Attempts, LocalAttempts
from jobindex.model.login_attempt import Attempt
from jobindex.store import Store

MOST = 2
ALICE = "alice"
RIGHT = "right"
WINDOW_S, SOON_S = 60.0, 15.0
examples = count()


class Try(NamedTuple):
    """Somebody brings a password, so many ms after the last try."""

    after: int
    user: str
    password: str


class Asked(NamedTuple):
    """A try that was put to an Orthanc."""

    at: int
    user: str
    password: str


guesses = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 8_000), st.just(ALICE), st.just("")),
        st.tuples(st.integers(0, 3_000), st.just("bob"), st.sampled_from("abcdefgh")),
        st.tuples(st.integers(0, 1_000), st.sampled_from(["u1", "u2", "u3", "u4"]), st.sampled_from("abcd")),
    ).map(lambda each: Try(*each)),
    min_size=15,
    max_size=60,
)
"""At alice's name another password each time; at others' names any, again and again."""


async def play(attempts: Attempts, history: Sequence[Try], comes: int, again: int) -> tuple[list[Asked], int]:
    """What was asked, and when alice, who comes with the right password and then every so often, was: -1 for never.

    Times are in ms.
    """
    example, asked, answered = next(examples), list[Asked](), -1
    tries = timed(history)
    tries += [(comes + turn * again, ALICE, RIGHT) for turn in range(round(2000 * SOON_S) // again + 1)]
    for at, user, password in sorted(tries):
        if password == RIGHT and answered >= 0:
            continue
        attempt = Attempt(f"{example}-{user}-{password}", f"{example}-{user}", f"{example}")
        if await attempts.ask(attempt, MOST, 1_000_000 + at / 1000) > 0:
            continue
        asked.append(Asked(at, user, password))
        if password == RIGHT:
            answered = at
            await attempts.settle(attempt, accepted=True)
    return [each for each in asked if each.password != RIGHT], answered


def timed(history: Sequence[Try]) -> list[tuple[int, str, str]]:
    at, found = 0, []
    for number, (after, user, password) in enumerate(history):
        at += after
        found.append((at, user, password or f"guess {number}"))
    return found


def most_in_a_minute(asked: Sequence[Asked], user: str) -> int:
    """Passwords of which one was asked within a minute of the others, at most."""
    tries = [each for each in asked if each.user == user]
    return max((len({b.password for b in tries if a.at <= b.at < a.at + WINDOW_S * 1000}) for a in tries), default=0)


@pytest.fixture
def counters(store: Store) -> dict[str, Attempts]:
    return {"in Redis": store.logins, "in memory": LocalAttempts()}


histories = given(history=guesses, comes=st.integers(5_000, 60_000), again=st.integers(1000, round(PATIENCE_S * 1000)))
usual = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


anywhere = pytest.mark.parametrize("where", ["in Redis", "in memory"])


@anywhere
@histories
@usual
async def test_in_use_who_guesses_at_one_user_name_gets_at_most_one_more_than_the_limit_a_minute(
    counters: dict[str, Attempts], where: str, history: list[Try], comes: int, again: int
) -> None:
    asked, _ = await play(counters[where], history, comes, again)
    assert all(most_in_a_minute(asked, user) <= MOST + 1 for user in {each.user for each in asked})


@anywhere
@histories
@usual
async def test_in_use_the_right_password_is_asked_within_fifteen_seconds_whatever_others_do(
    counters: dict[str, Attempts], where: str, history: list[Try], comes: int, again: int
) -> None:
    _, answered = await play(counters[where], history, comes, again)
    assert comes <= answered <= comes + SOON_S * 1000
