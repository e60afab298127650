"""One job is its owner's answer; what was known last where the owner can't be asked or has forgotten it."""

import asyncio

import pytest

from jobindex.errors import NobodyToAsk, Refused
from jobindex.model.node import GONE
from jobindex.service import relay
from jobindex.service.breaker import REST
from jobindex.store.jobs import Stored

from ...builders import job_id, known
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .services import CALLER, STRANGER, Services, read

PATH = f"/jobs/{job_id(1)}"


@pytest.fixture
async def owned(services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Services:
    """Job 1 runs on node a (`orthanc`); there is also node b (`other`)."""
    await services.say("a", job(1), at=orthanc)
    await services.say("b", at=other)
    orthanc.tell_job(job_id(1), job(1))
    return services


async def shown(services: Services) -> dict[str, object]:
    found = await services.reader.read(CALLER, job_id(1))
    assert isinstance(found, Stored)
    return read(services.listing, found)


async def test_the_owner_is_asked_as_the_caller_and_nobody_else_is(
    owned: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    orthanc.tell_job(job_id(1), job(1, at=1, Progress=42))
    told = await shown(owned)
    assert (told["Progress"], told["JobIndex"]) == (42, {"Node": "a", "NodeState": "Alive"})
    assert [(asked.path, asked.headers["Authorization"]) for asked in orthanc.asked] == [(PATH, AUTHORIZATION)]
    assert other.asked == []


async def test_news_is_taken_in(owned: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell_job(job_id(1), job(1, "Success", at=1))
    assert (await shown(owned))["State"] == "Success"
    assert (await known(owned.store)).record.state == "Success"


async def test_when_the_owner_does_not_answer_the_last_known_is_told(
    owned: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, drops=True)
    other.tell(PATH, status=404)
    assert (await shown(owned))["State"] == "Running"
    assert other.count("GET", PATH) == 1  # whether the caller may


async def test_whether_the_caller_may_is_asked_even_when_the_owner_is_away(
    owned: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, drops=True)
    other.tell(PATH, status=403)
    with pytest.raises(Refused) as refusal:
        await owned.reader.read(CALLER, job_id(1))
    assert refusal.value.status == 403


async def test_without_anybody_to_ask_nothing_is_told(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.end("a", GONE)
    with pytest.raises(NobodyToAsk):
        await services.reader.read(CALLER, job_id(1))
    assert orthanc.asked == []


async def test_a_node_that_did_not_answer_in_time_is_left_alone_for_five_seconds(
    owned: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "READ_WITHIN", 0.1)
    other.tell(PATH, status=404)
    orthanc.tell(PATH, hangs=True)
    for _ in range(3):
        assert (await shown(owned))["State"] == "Running"
        owned.clock.pass_by(REST / 3 - 0.01)
    assert orthanc.count("GET", PATH) == 1
    owned.clock.pass_by(0.1)
    orthanc.tell_job(job_id(1), job(1, "Paused", at=1))
    assert (await shown(owned))["State"] == "Paused"


async def test_a_job_that_just_ended_and_was_forgotten_is_told_with_its_end(
    owned: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.reader.FINDS_OUT", 5.0)
    orthanc.forget(PATH)
    reading = asyncio.create_task(shown(owned))
    await until(lambda: orthanc.count("GET", PATH) == 1)
    await owned.say("a", job(1, "Success", at=1))
    assert (await reading)["State"] == "Success"


async def test_a_job_that_its_owner_does_not_know_is_told_as_it_was(owned: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.forget(PATH)
    assert (await shown(owned))["State"] == "Running"


async def test_an_end_that_is_known_is_not_waited_for(owned: Services, orthanc: ScriptedOrthanc) -> None:
    await owned.say("a", job(1, "Success", at=1))
    orthanc.forget(PATH)
    assert (await shown(owned))["State"] == "Success"


async def test_what_is_no_job_is_not_told(owned: Services, orthanc: ScriptedOrthanc) -> None:
    for body in (b"<html>", b"[]", b"{}", job(1, State=7)):
        orthanc.tell_job(job_id(1), body)
        assert (await shown(owned))["State"] == "Running"


async def test_an_answer_about_another_job_is_not_told(owned: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell_job(job_id(1), job(2, "Success"))
    assert (await shown(owned))["ID"] == job_id(1)
    assert owned.state(2) == ""


async def test_secrets_are_masked(owned: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell_job(job_id(1), job(1, Type="SomebodysOwn", Content={"Password": "hidden"}))
    assert (await shown(owned))["Content"] == {"Password": "REDACTED"}


@pytest.mark.parametrize("status", [401, 403])
async def test_the_owner_s_refusal_is_passed_on(owned: Services, orthanc: ScriptedOrthanc, status: int) -> None:
    orthanc.tell(PATH, status=status)
    with pytest.raises(Refused) as refusal:
        await owned.reader.read(CALLER, job_id(1))
    assert refusal.value.status == status


async def test_the_owner_s_refusal_withdraws_what_was_allowed(owned: Services, orthanc: ScriptedOrthanc) -> None:
    await owned.rights.may_list(CALLER)
    orthanc.tell(PATH, status=403)
    with pytest.raises(Refused):
        await owned.reader.read(CALLER, job_id(1))
    orthanc.tell("/jobs", status=403)
    assert await owned.rights.hidden_from(CALLER) == ("", "a")


async def test_without_credentials_nothing_is_told(owned: Services) -> None:
    with pytest.raises(Refused):
        await owned.reader.read(STRANGER, job_id(1))


async def test_a_job_that_nobody_knows_is_none(owned: Services) -> None:
    assert await owned.reader.read(CALLER, job_id(9)) is None


async def test_a_lost_job_that_its_owner_has_after_all_is_what_the_owner_says(
    owned: Services, orthanc: ScriptedOrthanc
) -> None:
    for taken in (1, 2):
        await owned.say_all("a", taken=taken)
    assert owned.state() == "Failure"
    orthanc.tell_job(job_id(1), job(1, at=3))
    told = await shown(owned)
    assert (told["State"], told["JobIndex"]) == ("Running", {"Node": "a", "NodeState": "Alive"})
    assert (await known(owned.store)).record.mark == "held"
