"""Who guesses passwords waits, and nobody else does."""

import asyncio
from collections.abc import Sequence

import aiohttp
import pytest

from jobindex.auth import attempts, first_answers
from jobindex.auth.attempts import PATIENCE_S, WINDOW_S, LocalAttempts
from jobindex.auth.caller import Caller
from jobindex.auth.first_answers import AT_ONCE
from jobindex.auth.logins import GOOD_LASTS_S, Logins
from jobindex.errors import IndexAway, TooOften
from jobindex.model.login_attempt import Attempt

from ..waiting import HandClock

HERE, ELSEWHERE = "10.1.2.3", "10.1.2.4"


def caller(password: object, user: str = "demo", address: str = HERE) -> Caller:
    return Caller((("Authorization", str(aiohttp.encode_basic_auth(user, str(password)))),), address=address)


def token(value: object, address: str = HERE) -> Caller:
    return Caller((("Authorization", f"Bearer {value}"),), address=address)


class Place:
    """Logins as one replica or another counts them, with one memory and one clock."""

    def __init__(self, most: int = 5) -> None:
        self.clock = HandClock()
        self.shared = LocalAttempts(self.clock)
        self.most = most
        self.logins = self.replica()

    def replica(self) -> Logins:
        return Logins(self.most, self.shared, lambda: b"key", self.clock)

    async def fails(self, *callers: Caller) -> None:
        for each in callers:
            async with self.logins.attempt(each) as outcome:
                outcome.failed = True

    async def succeeds(self, each: Caller) -> None:
        async with self.logins.attempt(each) as outcome:
            outcome.failed, outcome.accepted = False, True

    async def wait(self, each: Caller) -> int:
        """The seconds that it has to, 0 for none; it fails then."""
        try:
            await self.fails(each)
        except TooOften as held:
            return held.seconds
        return 0

    async def waits(self, callers: Sequence[Caller]) -> list[bool]:
        return [await self.wait(each) > 0 for each in callers]


@pytest.fixture
async def place() -> Place:
    """Where five passwords of demo's have been guessed."""
    place = Place()
    await place.fails(*(caller(guess) for guess in range(5)))
    return place


async def test_the_sixth_guess_of_a_minute_waits(place: Place) -> None:
    place.clock.pass_by(WINDOW_S - 1.5)
    assert await place.wait(caller("another")) == 2
    place.clock.pass_by(1.5)
    assert await place.wait(caller("another")) == 0


async def test_who_comes_again_after_a_while_is_asked_and_only_one_is(place: Place) -> None:
    late = [caller("right"), caller("other")]
    assert [await place.wait(each) for each in late] == [PATIENCE_S, PATIENCE_S]
    place.clock.pass_by(PATIENCE_S)
    assert await place.waits([caller("new"), *late]) == [True, False, True]


async def test_who_is_elsewhere_or_another_or_brings_nothing_is_not_held_up(place: Place) -> None:
    others = [caller("another", address=ELSEWHERE), caller("another", "another"), Caller((), address=HERE)]
    assert await place.waits(others) == [False] * 3


async def test_tokens_are_no_guesses(place: Place) -> None:
    assert await place.waits([token(number) for number in range(50)] * 2) == [False] * 100
    assert await place.waits([Caller((), (("token", "x"),), HERE)]) == [False]


async def test_one_address_has_twenty_user_names_worth_of_guesses() -> None:
    place = Place(most=2)
    told = await place.waits([caller("guess", f"user {number}") for number in range(41)])
    assert told == [False] * 40 + [True]
    assert not await place.wait(caller("guess", address=ELSEWHERE))


async def test_whose_credentials_were_taken_is_never_held_up_on_any_replica(place: Place) -> None:
    place.clock.pass_by(WINDOW_S)
    await place.succeeds(caller("right"))
    await place.fails(*(caller(guess) for guess in range(5)))
    for logins in (place.logins, place.replica()):
        place.logins = logins
        for passed in (0.0, GOOD_LASTS_S, 10 * 3600.0):
            place.clock.pass_by(passed)
            assert any(await place.waits([caller(f"{passed} {guess} {id(logins)}") for guess in range(6)]))
            assert await place.waits([caller("right")] * 9) == [False] * 9
            place.clock.pass_by(-passed)


async def test_one_guess_again_and_again_holds_up_itself_and_nobody_else() -> None:
    place = Place()
    assert await place.waits([caller("old")] * 6) == [False] * 5 + [True]
    assert await place.waits([caller("right")]) == [False]


async def test_an_ipv6_address_stands_for_its_network() -> None:
    place = Place()
    await place.fails(*(caller(guess, address=f"2001:db8:1:2::{guess}") for guess in range(5)))
    assert await place.wait(caller("another", address="2001:db8:1:2:3::9")) > 0
    assert await place.wait(caller("another", address="2001:db8:1:3::9")) == 0


async def test_no_limit_holds_nobody_up() -> None:
    assert not any(await Place(most=0).waits([caller(guess) for guess in range(100)]))


async def test_who_breaks_off_has_guessed_and_whom_an_orthanc_knows_has_not() -> None:
    place = Place(most=1)
    with pytest.raises(ConnectionError):
        async with place.logins.attempt(caller("first")):
            raise ConnectionError
    assert await place.wait(caller("second")) > 0
    async with place.logins.attempt(caller("known", "other")) as outcome:
        outcome.failed = False
    assert await place.wait(caller("another", "other")) == 0


async def test_many_guesses_at_once_are_not_all_let_through() -> None:
    place = Place()
    answered = asyncio.Event()

    async def guess(number: int) -> bool:
        try:
            async with place.logins.attempt(caller(number)):
                await answered.wait()
        except TooOften:
            return False
        return True

    guesses = [asyncio.create_task(guess(number)) for number in range(20)]
    await asyncio.sleep(0)
    answered.set()
    assert sum(await asyncio.gather(*guesses)) == 5


async def test_those_who_come_at_once_with_the_right_password_wait_for_the_first() -> None:
    place = Place(most=1)

    async def page() -> None:
        async with place.logins.attempt(caller("right")) as outcome:
            await asyncio.sleep(0)
            outcome.failed, outcome.accepted = False, True

    await asyncio.gather(*(page() for _ in range(30)))


async def test_tokens_that_wait_have_their_turn_by_age_also_when_they_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A colleague who was turned away once goes before all that came since."""
    monkeypatch.setattr(first_answers, "HELD_S", 60.0)
    monkeypatch.setattr(first_answers, "MAX_WAITING", 3)
    place, asked, answered = Place(), list[str](), asyncio.Event()

    async def come(name: str) -> None:
        async with place.logins.attempt(token(name)):
            asked.append(name)
            await answered.wait()

    first = [asyncio.create_task(come(f"first {number}")) for number in range(AT_ONCE)]
    await turns()
    early = [asyncio.create_task(come(f"early {number}")) for number in range(3)]
    await turns()
    place.clock.pass_by(1)
    with pytest.raises(TooOften):
        await come("colleague")
    for each in early:
        each.cancel()
    place.clock.pass_by(1)
    later = [asyncio.create_task(come(f"later {number}")) for number in range(2)]
    again = asyncio.create_task(come("colleague"))
    await turns()
    assert asked == [f"first {number}" for number in range(AT_ONCE)]
    answered.set()
    await asyncio.gather(*first, *later, again)
    assert asked[AT_ONCE:] == ["colleague", "later 0", "later 1"]


async def turns() -> None:
    """Let everybody come as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_turn_ends_by_itself_when_an_answer_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_answers, "HELD_S", 0.0)
    monkeypatch.setattr(first_answers, "AT_ONCE", 1)
    place = Place()
    async with place.logins.attempt(token("download")):
        await place.fails(token("colleague"))


async def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_KEYS", 4)
    place = Place(most=1)
    await place.fails(*(caller("guess", address=f"10.0.0.{number}") for number in range(9)))
    assert await place.wait(caller("another", address="10.0.0.0")) == 0
    assert await place.wait(caller("another", address="10.0.0.8")) > 0


async def test_while_redis_is_away_this_replica_counts() -> None:
    place = Place(most=1)

    class Away(LocalAttempts):
        async def ask(self, attempt: Attempt, most: int, now: float = 0.0) -> float:
            raise IndexAway("away")

    place.shared = Away(place.clock)
    place.logins = place.replica()
    assert await place.waits([caller("one"), caller("another")]) == [False, True]
