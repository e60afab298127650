"""A node that did not answer is left alone for five seconds, or until it does."""

from jobindex.service.breaker import REST, Breaker

from ..waiting import HandClock


def test_who_did_not_answer_rests_for_a_while() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    breaker.trip("a")
    assert breaker.rests("a")
    assert not breaker.rests("b")
    clock.pass_by(REST)
    assert not breaker.rests("a")


def test_an_answer_ends_the_rest() -> None:
    breaker = Breaker(HandClock())
    breaker.trip("a")
    breaker.reset("a")
    breaker.reset("b")
    assert not breaker.rests("a")
