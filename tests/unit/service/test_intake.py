"""What a node reports is taken in whole or refused, and it is told what to do next."""

import json

import pytest
from redis.asyncio import Redis

from jobindex.errors import NodeConflict, UnknownNode
from jobindex.model.node import STOPPED
from jobindex.service.intake import Intake
from jobindex.store import Store

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..words import INCARNATION, NEXT_INCARNATION, complete, job, report, stamp
from .services import Services, idle_on

JOB_1, JOB_2, JOB_3 = (job_id(number) for number in (1, 2, 3))


def event(number: int, kind: str, at: float = 0.0) -> dict[str, str]:
    return {"ID": job_id(number), "Kind": kind, "Time": stamp(at)}


async def test_who_is_not_registered_is_told_so(services: Services) -> None:
    for words in ([job(1)], []):
        with pytest.raises(UnknownNode):
            await services.say("a", *words)
    assert services.view.jobs == {}


async def test_a_node_registers_and_is_asked_for_everything_once(services: Services, orthanc: ScriptedOrthanc) -> None:
    assert (await services.say("a", at=orthanc)).everything
    assert not (await services.say("a", job(1))).everything
    assert services.state() == "Running"
    assert services.view.nodes["a"].url == orthanc.url


@pytest.mark.parametrize(
    ("address", "tls", "url"),
    [
        ("10.0.0.5", False, "http://10.0.0.5:8043"),
        ("10.0.0.5", True, "https://10.0.0.5:8043"),
        ("fd00::5", False, "http://[fd00::5]:8043"),
    ],
)
async def test_a_node_without_an_address_is_where_its_report_came_from(
    services: Services, address: str, tls: bool, url: str
) -> None:
    told = report(Register={"Name": "o", "Url": None, "HttpPort": 8043, "Tls": tls})
    await services.intake.take("a", told, address)
    await services.show()
    assert services.view.nodes["a"].url == url


async def test_another_living_incarnation_at_another_address_is_a_conflict(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    with pytest.raises(NodeConflict):
        await services.say("a", at=other, incarnation=NEXT_INCARNATION)
    assert services.view.nodes["a"].incarnation == INCARNATION


async def test_what_a_node_lists_and_nobody_knows_is_wanted(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    answer = await services.say_all("a", job(2), ids=(1, 3))
    assert answer.wanted == (JOB_3,)
    assert answer.refused == ()


async def test_what_a_report_brings_itself_is_not_wanted_though_the_view_is_behind(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    async with idle_on(store) as services:
        told = complete(job(1), ids=(2,), Url=orthanc.url)
        assert (await services.intake.take("a", told, "")).wanted == (JOB_2,)


async def test_a_new_incarnation_s_jobs_are_wanted_again(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.say("a", at=orthanc, incarnation=NEXT_INCARNATION)
    answer = await services.say_all("a", ids=(1,), incarnation=NEXT_INCARNATION)
    assert answer.wanted == (JOB_1,)
    assert services.state() == "Running"


async def test_a_job_of_another_living_node_is_refused_and_not_wanted(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.say("b", at=other)
    answer = await services.say("b", job(1, "Failure", at=1), job(2))
    assert answer.refused == (JOB_1,)
    assert (services.state(1), services.state(2)) == ("Running", "Running")
    assert (await services.say_all("b", ids=(1, 2))).wanted == ()


async def test_a_job_of_a_node_that_stopped_may_come_up_elsewhere(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.end("a", STOPPED)
    await services.say("b", at=other)
    assert (await services.say_all("b", ids=(1,))).wanted == (JOB_1,)
    assert (await services.say("b", job(1))).refused == ()
    assert services.shown()["JobIndex"] == {"Node": "b", "NodeState": "Alive"}


async def test_one_complete_report_without_an_unfinished_job_is_no_loss_but_two_are(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.say_all("a", taken=1)
    assert services.state() == "Running"
    await services.say_all("a", taken=2)
    shown = services.shown()
    assert (shown["State"], shown["ErrorCode"]) == ("Failure", -1)
    assert str(shown["ErrorDetails"]).startswith("Lost: ")
    assert shown["JobIndex"] == {"Node": "a", "NodeState": "Alive", "Lost": True}


async def test_a_complete_report_does_not_judge_what_is_newer_than_it(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1, at=5), at=orthanc)
    for _ in range(2):
        await services.say_all("a", taken=0)
    assert services.state() == "Running"


async def test_a_new_incarnation_that_does_not_list_a_job_has_lost_it(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), job(2), at=orthanc)
    await services.say("a", at=orthanc, incarnation=NEXT_INCARNATION)
    await services.say_all("a", job(2), incarnation=NEXT_INCARNATION)
    assert (services.state(1), services.state(2)) == ("Failure", "Running")


async def test_a_finished_job_that_is_no_longer_listed_is_history_not_a_loss(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1, "Success"), at=orthanc)
    await services.say_all("a", taken=1)
    await services.say_all("a", taken=2)
    assert services.state() == "Success"
    assert "Lost" not in services.shown()["JobIndex"]  # type: ignore[operator]  # it is an object
    assert services.view.jobs[JOB_1].record.mark == "history"


async def test_a_lost_job_that_shows_up_again_is_what_orthanc_says(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), at=orthanc)
    for taken in (1, 2):
        await services.say_all("a", taken=taken)
    assert services.state() == "Failure"
    assert (await services.say_all("a", ids=(1,), taken=3)).wanted == (JOB_1,)
    await services.say("a", job(1, "Success", at=4))
    assert services.state() == "Success"
    assert services.shown()["JobIndex"] == {"Node": "a", "NodeState": "Alive"}


@pytest.mark.parametrize(("kind", "state", "code"), [("JobSuccess", "Success", 0), ("JobFailure", "Failure", -1)])
async def test_the_event_of_a_forgotten_job_decides_how_the_last_known_one_ended(
    services: Services, orthanc: ScriptedOrthanc, kind: str, state: str, code: int
) -> None:
    await services.say("a", job(1, Priority=7), at=orthanc)
    await services.say("a", Events=[event(1, kind, 1)])
    shown = services.shown()
    assert (shown["State"], shown["ErrorCode"], shown["Priority"]) == (state, code, 7)
    assert shown["CompletionTime"] == shown["Timestamp"]
    assert shown["JobIndex"] == {"Node": "a", "NodeState": "Alive", "Forgotten": True}


async def test_the_event_of_a_job_that_nobody_ever_read_makes_it_known(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    await services.say("a", Events=[event(1, "JobFailure")])
    shown = services.shown()
    assert (shown["State"], shown["Type"], shown["Content"]) == ("Failure", "Unknown", {})


async def test_that_a_job_was_submitted_says_nothing_of_its_end(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.say("a", Events=[event(1, "JobSubmitted", 1), event(2, "JobSubmitted", 1)])
    assert (services.state(1), services.state(2)) == ("Running", "")


async def test_an_event_that_is_older_than_the_job_says_nothing(services: Services, orthanc: ScriptedOrthanc) -> None:
    """A failed job was resubmitted: the event of the failure comes late."""
    await services.say("a", job(1, at=5), at=orthanc)
    await services.say("a", Events=[event(1, "JobFailure", 0)])
    assert services.state() == "Running"


async def test_a_goodbye_stops_the_node_and_hides_nothing(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    assert not (await services.say("a", Goodbye=True)).everything
    assert services.view.nodes["a"].state == STOPPED
    assert services.state() == "Running"


async def test_a_goodbye_of_a_replaced_incarnation_is_not_heard(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    await services.say("a", at=orthanc, incarnation=NEXT_INCARNATION)
    with pytest.raises(UnknownNode):
        await services.say("a", Goodbye=True)
    assert services.view.nodes["a"].alive


async def test_secrets_in_a_job_are_masked_before_anybody_sees_them(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    content = {"Peer": {"HttpHeaders": {"Authorization": "Bearer hidden"}, "Url": "p"}}
    await services.say("a", job(1, Type="OrthancPeerStore", Content=content), at=orthanc)
    assert "hidden" not in json.dumps(services.shown())
    assert services.shown()["Content"]["Peer"]["Url"] == "p"  # type: ignore[index]  # it is an object


async def test_reports_in_the_wrong_order_end_the_same(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Success", at=2), at=orthanc)
    await services.say("a", job(1, "Running", at=1))
    assert services.state() == "Success"
    await services.say("a", job(1, "Pending", at=0, taken=0), Clock=1)
    assert services.state() == "Pending"  # its clock was set back: a new clock epoch counts before the stamp


GIVEN = {"Name": "orthanc", "Url": "http://127.0.0.1:9", "Token": "Bearer x"}


async def test_a_token_that_is_given_is_dropped_where_none_is_needed(services: Services) -> None:
    await services.intake.take("a", report(Register=GIVEN), "127.0.0.1")
    await services.show()
    assert not (await services.intake.take("a", complete(), "127.0.0.1")).register_again
    assert await services.store.nodes.token("a") is None


async def test_a_token_that_is_needed_is_kept_and_asked_for_again_when_it_is_lost(
    services: Services, redis: Redis
) -> None:
    intake = Intake(
        services.store,
        services.view,
        services.roster,
        services.losses,
        services.freshness,
        services.recent,
        services.tokens,
    )
    assert not (await intake.take("a", report(Register=GIVEN), "127.0.0.1")).register_again
    await services.show()
    assert services.view.nodes["a"].shares
    assert await services.tokens.of("a", INCARNATION) == "Bearer x"
    await redis.delete("{jobindex}:token:a")
    assert (await intake.take("a", complete(), "127.0.0.1")).register_again
    await intake.take("a", report(Register={**GIVEN, "Token": ""}), "127.0.0.1")
    await services.show()
    assert not (await intake.take("a", complete(), "127.0.0.1")).register_again
