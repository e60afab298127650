"""A yes is remembered for ten seconds, and forgotten at the first refusal; a no is remembered for two."""

from jobindex.auth.verdicts import MOST, NO_LASTS, YES_LASTS, Refusal, Verdicts

from ..waiting import HandClock


def test_nobody_may_before_orthanc_said_yes() -> None:
    assert not Verdicts(HandClock()).allowed("somebody", "GET /jobs")


def test_a_yes_is_one_caller_s_for_one_thing() -> None:
    verdicts = Verdicts(HandClock())
    verdicts.allow("somebody", "GET /jobs")
    assert verdicts.allowed("somebody", "GET /jobs")
    assert not verdicts.allowed("somebody", "DELETE /jobs")
    assert not verdicts.allowed("another", "GET /jobs")


def test_a_yes_expires() -> None:
    clock = HandClock()
    verdicts = Verdicts(clock)
    verdicts.allow("somebody", "GET /jobs")
    clock.pass_by(YES_LASTS - 0.001)
    assert verdicts.allowed("somebody", "GET /jobs")
    clock.pass_by(0.001)
    assert not verdicts.allowed("somebody", "GET /jobs")


def test_being_looked_at_does_not_prolong_a_yes() -> None:
    clock = HandClock()
    verdicts = Verdicts(clock)
    verdicts.allow("somebody", "GET /jobs")
    for _ in range(3):
        clock.pass_by(YES_LASTS / 3)
        last = verdicts.allowed("somebody", "GET /jobs")
    assert not last


def test_a_refusal_withdraws_every_yes_of_that_caller_and_of_nobody_else() -> None:
    verdicts = Verdicts(HandClock())
    for who in ("somebody", "another"):
        verdicts.allow(who, "GET /jobs")
        verdicts.allow(who, "POST /jobs")
    verdicts.withdraw("somebody")
    assert not verdicts.allowed("somebody", "GET /jobs")
    assert not verdicts.allowed("somebody", "POST /jobs")
    assert verdicts.allowed("another", "GET /jobs")


def test_a_no_is_one_caller_s_for_one_thing_and_expires() -> None:
    clock = HandClock()
    verdicts = Verdicts(clock)
    refusal = Refusal(401, 'Basic realm="x"')
    verdicts.refuse("somebody", "GET /jobs", refusal)
    assert verdicts.refusal("somebody", "DELETE /jobs") is verdicts.refusal("another", "GET /jobs") is None
    clock.pass_by(NO_LASTS - 0.001)
    assert verdicts.refusal("somebody", "GET /jobs") == refusal
    clock.pass_by(0.001)
    assert verdicts.refusal("somebody", "GET /jobs") is None


def test_no_more_refusals_are_remembered_than_yeses() -> None:
    verdicts = Verdicts(HandClock())
    for number in range(MOST + 1):
        verdicts.refuse(str(number), "GET /jobs", Refusal(403, ""))
    assert verdicts.refusal("0", "GET /jobs") is None
    assert verdicts.refusal("1", "GET /jobs")


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    verdicts = Verdicts(HandClock())
    for number in range(MOST + 1):
        verdicts.allow(str(number), "GET /jobs")
    assert not verdicts.allowed("0", "GET /jobs")
    assert verdicts.allowed("1", "GET /jobs")
    assert verdicts.allowed(str(MOST), "GET /jobs")
