"""Orthanc says whether a caller may; a yes is remembered for ten seconds, a no for two, nobody to ask is no."""

import asyncio

import pytest

from jobindex.auth.verdicts import Verdicts
from jobindex.errors import NobodyToAsk, Refused
from jobindex.model.node import LATE, STOPPED
from jobindex.orthanc.wire import Answer
from jobindex.service.breaker import REST
from jobindex.service.rights import NO_JOB, Granted

from ..scripted_orthanc import AUTHORIZATION, CHALLENGE, ScriptedOrthanc, Told
from ..waiting import until
from .services import CALLER, STRANGER, Services

CANCEL = f"/jobs/{NO_JOB}/cancel"
PATH = f"/jobs/{NO_JOB}"


async def test_a_caller_whom_orthanc_lets_in_may(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    await services.rights.may_list(CALLER)
    assert [(asked.method, asked.path) for asked in orthanc.asked] == [("GET", "/jobs")]


async def test_a_yes_is_remembered_for_ten_seconds(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    for _ in range(3):
        await services.rights.may_list(CALLER)
    assert orthanc.count("GET", "/jobs") == 1
    services.clock.pass_by(10)
    await services.rights.may_list(CALLER)
    assert orthanc.count("GET", "/jobs") == 2


async def test_one_caller_s_yes_is_not_another_s(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    await services.rights.may_list(CALLER)
    with pytest.raises(Refused) as refusal:
        await services.rights.may_list(STRANGER)
    assert (refusal.value.status, refusal.value.challenge) == (401, CHALLENGE["WWW-Authenticate"])


async def test_whoever_may_read_need_not_be_an_operator(services: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(CANCEL, method="POST", status=403)
    await services.say("a", at=orthanc)
    await services.rights.may_list(CALLER)
    with pytest.raises(Refused) as refusal:
        await services.rights.may_operate(CALLER)
    assert refusal.value.status == 403


async def test_an_operator_is_who_may_act_on_a_job_that_there_is_not(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    await services.rights.may_operate(CALLER)
    assert orthanc.count("POST", CANCEL) == 1


async def test_a_refusal_withdraws_what_was_allowed_before(services: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(CANCEL, method="POST", status=403)
    await services.say("a", at=orthanc)
    await services.rights.may_list(CALLER)
    with pytest.raises(Refused):
        await services.rights.may_operate(CALLER)
    await services.rights.may_list(CALLER)
    assert orthanc.count("GET", "/jobs") == 2


@pytest.mark.parametrize("refusal", [Told(403), Told(401, headers=CHALLENGE)])
async def test_a_no_is_remembered_for_two_seconds_with_its_challenge(
    services: Services, orthanc: ScriptedOrthanc, refusal: Told
) -> None:
    orthanc.tell_in_turn("/jobs", [refusal, Told(200)])
    await services.say("a", at=orthanc)
    for passed in (0, 1.9):
        services.clock.pass_by(passed)
        with pytest.raises(Refused) as said:
            await services.rights.may_list(CALLER)
        assert (said.value.status, said.value.challenge) == (
            refusal.status, refusal.headers.get("WWW-Authenticate", ""),
        )  # fmt: skip
    assert orthanc.count("GET", "/jobs") == 1
    services.clock.pass_by(0.1)
    await services.rights.may_list(CALLER)


async def test_one_caller_s_no_is_not_another_s_nor_for_anything_else(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    with pytest.raises(Refused):
        await services.rights.may_list(STRANGER)
    await services.rights.may_list(CALLER)
    with pytest.raises(Refused):
        await services.rights.may_operate(STRANGER)
    assert orthanc.count("POST", CANCEL) == 1


async def test_the_next_node_is_asked_when_one_does_not_answer(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    orthanc.tell_in_turn("/jobs", [Told(drops=True)])
    await services.say("a", at=orthanc)
    await services.say("b", at=other)
    await services.rights.may_list(CALLER)
    assert other.count("GET", "/jobs") == 1


async def test_the_word_of_a_slow_node_counts_while_the_next_one_is_asked(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """On a machine that was too busy three slow Orthancs, each given up in its turn, were nobody to ask."""
    answered = asyncio.Event()
    orthanc.tell("/jobs", until=answered)
    other.tell("/jobs", hangs=True)
    await services.say("a", at=orthanc)
    await services.say("b", at=other)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(services.rights.may_list(CALLER))
        await until(lambda: other.count("GET", "/jobs") == 1)
        answered.set()
    assert not services.breaker.rests("a")


async def test_who_rests_is_asked_when_all_do(services: Services, orthanc: ScriptedOrthanc) -> None:
    """It would have been five seconds without a list."""
    await services.say("a", at=orthanc)
    services.breaker.trip("a")
    await services.rights.may_list(CALLER)
    assert not services.breaker.rests("a")


@pytest.mark.parametrize("status", [302, 500, 502, 503])
async def test_what_is_not_orthanc_s_word_on_a_caller_is_no_yes(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, status: int
) -> None:
    orthanc.tell("/jobs", status=status)
    await services.say("a", at=orthanc)
    with pytest.raises(NobodyToAsk):
        await services.rights.may_list(CALLER)
    other.tell("/jobs", status=403)
    await services.say("b", at=other)
    with pytest.raises(Refused):
        await services.rights.may_list(CALLER)


async def test_a_late_node_is_asked_too_but_not_for_all(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    await services.say("b", at=other)
    await services.end("a", LATE)
    await services.rights.may_list(CALLER)
    assert (orthanc.count("GET", "/jobs"), other.count("GET", "/jobs")) == (1, 1)
    await services.rights.may(CALLER, "GET", PATH)
    assert (orthanc.count("GET", PATH), other.count("GET", PATH)) == (0, 1)


async def test_nobody_to_ask_is_no(services: Services, orthanc: ScriptedOrthanc) -> None:
    for ask in (services.rights.may_list, services.rights.may_operate):
        with pytest.raises(NobodyToAsk):
            await ask(CALLER)
    await services.say("a", at=orthanc)
    await services.end("a", STOPPED)
    with pytest.raises(NobodyToAsk):
        await services.rights.may_list(CALLER)
    assert orthanc.asked == []


async def test_where_a_proxy_has_decided_nobody_is_asked_and_nobody_need_be_there(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    granted = Granted(services.view, services.asking, Verdicts(), services.breaker)
    for _ in range(2):
        await granted.may_list(STRANGER)
        await granted.may_operate(STRANGER)
        await granted.may(STRANGER, "DELETE", f"/jobs/{NO_JOB}")
        await services.say("a", at=orthanc)
    assert orthanc.asked == []


async def test_an_operator_s_no_is_remembered(services: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(CANCEL, method="POST", status=403)
    await services.say("a", at=orthanc)
    for _ in range(3):
        with pytest.raises(Refused):
            await services.rights.may_operate(CALLER)
    assert orthanc.count("POST", CANCEL) == 1


@pytest.fixture
async def two(services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Services:
    """Both let demo in, and have been asked."""
    await services.say("a", at=orthanc)
    await services.say("b", at=other)
    await services.rights.may_list(CALLER)
    return services


async def polled(services: Services, seconds: float, *orthancs: ScriptedOrthanc) -> list[int]:
    """How often each is asked when demo lists once a second for so long."""
    before = [each.count("GET", "/jobs") for each in orthancs]
    for _ in range(round(seconds)):
        services.clock.pass_by(1)
        await services.rights.may_list(CALLER)
        await services.settled()
    return [each.count("GET", "/jobs") - asked for each, asked in zip(orthancs, before, strict=True)]


async def test_rights_where_all_agree_one_in_turn_is_asked_for_all_and_all_once_a_minute(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    asked = await polled(two, 55, orthanc, other)
    assert sum(asked) == 11
    assert min(asked) >= 5
    assert sum(await polled(two, 5, orthanc, other)) == 2


async def test_rights_who_polls_waits_for_no_node(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    for each in (orthanc, other):
        each.tell("/jobs", hangs=True)
    two.clock.pass_by(9)
    async with asyncio.timeout(0.2):
        await two.rights.may_list(CALLER)


async def test_rights_at_the_first_difference_all_are_asked(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """Whichever of them is asked first."""
    for each, hidden in ((orthanc, ("", "a")), (other, ("", "b"))):
        each.takes.clear()
        await polled(two, 20)
        assert await two.rights.hidden_from(CALLER) == hidden
        each.takes.add(AUTHORIZATION)
        await polled(two, 20)
        assert await two.rights.hidden_from(CALLER) == ()


async def test_rights_a_node_that_can_t_be_asked_keeps_its_last_word(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """A no as well as a yes; and who comes new has the strictest word of the others."""
    other.takes.clear()
    await polled(two, 20)
    other.tell("/jobs", status=500)
    other.takes.add(AUTHORIZATION)
    await polled(two, 60)
    assert await two.rights.hidden_from(CALLER) == ("", "b")
    other.tell("/jobs")
    await polled(two, 10)
    orthanc.takes.clear()
    await polled(two, 20)
    other.tell("/jobs", status=500)
    await polled(two, 60)
    assert await two.rights.hidden_from(CALLER) == ("", "a")


async def test_rights_without_any_answer_an_old_yes_counts_no_more(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    for each in (orthanc, other):
        each.tell("/jobs", status=503)
    two.clock.pass_by(10)
    with pytest.raises(NobodyToAsk):
        await two.rights.may_list(CALLER)


async def test_rights_a_job_that_is_listed_can_be_read_and_a_hidden_one_can_t_when_its_owner_is_away(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """Whatever the other Orthanc says of the caller."""
    orthanc.takes.clear()
    await polled(two, 20)
    assert await two.rights.hidden_from(CALLER) == ("", "a")
    for each in (orthanc, other):
        each.tell(PATH, status=404)
    await two.rights.may_instead(CALLER, "b", "GET", PATH)
    with pytest.raises(Refused):
        await two.rights.may_instead(CALLER, "b", "DELETE", PATH)
    with pytest.raises(Refused):
        await two.rights.may_instead(CALLER, "a", "GET", PATH)
    with pytest.raises(Refused):
        await two.rights.may_instead(CALLER, "forgotten", "GET", PATH)


async def test_rights_a_node_that_its_plugin_can_t_read_is_not_asked_and_its_jobs_need_the_strictest_yes(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    await services.say("b", at=other, CannotRead="its own Orthanc refuses it")
    assert await services.rights.hidden_from(CALLER) == ()
    assert (orthanc.count("GET", "/jobs"), other.count("GET", "/jobs")) == (1, 0)
    orthanc.takes.clear()
    services.clock.pass_by(10)
    with pytest.raises(Refused):
        await services.rights.may_list(CALLER)


async def test_rights_a_node_that_can_be_read_again_is_asked_before_its_jobs_are_shown(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    await services.say("b", at=other, CannotRead="its own Orthanc refuses it")
    await services.rights.may_list(CALLER)
    other.takes.clear()
    await services.say_all("b")
    await until(lambda: services.view.nodes["b"].counts)
    assert await services.rights.hidden_from(CALLER) == ("", "b")


async def test_rights_a_refusal_counts_also_while_the_caller_is_being_renewed(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """What was asked before it and is answered after it tells nothing."""
    answered = asyncio.Event()
    for each in (orthanc, other):
        each.tell("/jobs", until=answered)
    two.clock.pass_by(6)
    await two.rights.may_list(CALLER)
    await until(lambda: orthanc.count("GET", "/jobs") + other.count("GET", "/jobs") == 3)
    other.takes.clear()
    with pytest.raises(Refused):
        await two.rights.refuse(CALLER, "b", Answer(403, {}))
    answered.set()
    assert await two.rights.hidden_from(CALLER) == ("", "b")


async def test_rights_a_node_that_was_started_again_is_asked_also_where_all_agree(
    two: Services, other: ScriptedOrthanc
) -> None:
    """Also when the caller's yes has to be renewed at that moment."""
    for passed, incarnation in ((0, "c" * 32), (6, "d" * 32)):
        other.takes.add(AUTHORIZATION)
        await polled(two, 61)
        assert await two.rights.hidden_from(CALLER) == ()
        other.takes.clear()
        await two.say("b", at=other, incarnation=incarnation)
        two.clock.pass_by(passed)
        await two.rights.hidden_from(CALLER)
        await two.settled()
        assert await two.rights.hidden_from(CALLER) == ("", "b")


JOB_OF_B = Answer(403, {})


async def test_rights_who_was_refused_a_job_sees_none_of_its_node_until_that_is_asked_although_it_rests(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    other.takes.clear()
    two.breaker.trip("b")
    with pytest.raises(Refused):
        await two.rights.refuse(CALLER, "b", JOB_OF_B)
    assert await two.rights.hidden_from(CALLER) == ("", "b")


async def test_rights_who_was_refused_a_job_and_not_the_list_sees_its_node_s_jobs(
    two: Services, other: ScriptedOrthanc
) -> None:
    """As one who may read and not act; also where the others have answered long before it."""
    answered = asyncio.Event()
    other.tell("/jobs", until=answered)
    asked = other.count("GET", "/jobs")
    with pytest.raises(Refused):
        await two.rights.refuse(CALLER, "b", JOB_OF_B)
    listing = asyncio.create_task(two.rights.hidden_from(CALLER))
    await until(lambda: other.count("GET", "/jobs") == asked + 1)
    answered.set()
    assert await listing == ()


@pytest.mark.parametrize("fault", [{"drops": True}, {"status": 500}])
async def test_rights_the_last_word_of_a_node_that_refused_a_job_and_can_not_be_asked_is_gone(
    two: Services, other: ScriptedOrthanc, fault: dict[str, object]
) -> None:
    other.tell("/jobs", **fault)
    with pytest.raises(Refused):
        await two.rights.refuse(CALLER, "b", JOB_OF_B)
    for _ in range(20):
        assert await two.rights.hidden_from(CALLER) == ("", "b")
        two.clock.pass_by(6)
        await two.settled()
    other.tell("/jobs")
    await polled(two, 12)
    assert await two.rights.hidden_from(CALLER) == ()


async def test_rights_a_yes_asked_for_before_a_refusal_and_told_after_it_counts_no_more(
    two: Services, other: ScriptedOrthanc
) -> None:
    answered = asyncio.Event()
    asked = other.count("GET", "/jobs")
    two.clock.pass_by(61)
    other.tell_in_turn("/jobs", [Told(until=answered), Told(drops=True)])
    assert await two.rights.hidden_from(CALLER) == ()
    await until(lambda: other.count("GET", "/jobs") == asked + 1)
    with pytest.raises(Refused):
        await two.rights.refuse(CALLER, "b", JOB_OF_B)
    answered.set()
    await two.settled()
    assert await two.rights.hidden_from(CALLER) == ("", "b")


async def test_rights_not_all_are_asked_while_one_rests(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """So that it is asked as soon as it may be, and not a minute later."""
    other.takes.clear()
    for passed in (61, REST + 0.1):
        two.clock.pass_by(passed)
        two.breaker.trip("b")
        await two.rights.hidden_from(CALLER)
        await two.settled()
    two.clock.pass_by(REST + 0.1)
    await two.rights.hidden_from(CALLER)
    await two.settled()
    assert await two.rights.hidden_from(CALLER) == ("", "b")


async def test_rights_a_list_that_asks_first_notes_who_refuses_it(two: Services, other: ScriptedOrthanc) -> None:
    other.takes.clear()
    assert await two.rights.hidden_from(CALLER) == ()
    await two.refresh.refresh(CALLER)
    assert await two.rights.hidden_from(CALLER) == ("", "b")
