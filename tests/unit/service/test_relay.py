"""An action reaches the owner once, and whoever lists afterwards sees what it did."""

import pytest

from jobindex.errors import OwnerGone, OwnerSilent, OwnerUnreachable
from jobindex.model.node import GONE, STOPPED
from jobindex.orthanc.wire import Answer
from jobindex.service import relay
from jobindex.service.breaker import REST

from ...builders import job_id, known
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc, Told
from ..words import job
from .services import CALLER, Services

PATH = f"/jobs/{job_id(1)}"
CANCEL = f"{PATH}/cancel"


@pytest.fixture
async def owned(services: Services, orthanc: ScriptedOrthanc) -> Services:
    """Job 1 runs on node a (`orthanc`), which lets itself be told to cancel it."""
    await services.say("a", job(1), at=orthanc)
    orthanc.tell(CANCEL, b"{}", method="POST", headers={"Content-Type": "application/json"})
    orthanc.tell_job(job_id(1), job(1, "Failure", at=1))
    return services


async def cancel(services: Services) -> Answer:
    found = services.view.jobs[job_id(1)]
    return await services.relay.act(CALLER, found, services.view.owner(found), "POST", CANCEL)


async def test_the_owner_s_answer_is_the_answer(owned: Services) -> None:
    answer = await cancel(owned)
    assert (answer.status, answer.body, answer.headers) == (200, b"{}", {"Content-Type": "application/json"})


async def test_the_job_is_read_again_and_in_the_index_before_the_caller_is_answered(
    owned: Services, orthanc: ScriptedOrthanc
) -> None:
    await cancel(owned)
    assert (await known(owned.store)).record.state == "Failure"
    assert [(asked.method, asked.path) for asked in orthanc.asked] == [("POST", CANCEL), ("GET", PATH)]
    assert {asked.headers["Authorization"] for asked in orthanc.asked} == {AUTHORIZATION}


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_what_the_owner_does_not_do_is_told_as_it_says(
    owned: Services, orthanc: ScriptedOrthanc, status: int
) -> None:
    orthanc.tell(CANCEL, b"no", method="POST", status=status)
    answer = await cancel(owned)
    assert (answer.status, answer.body) == (status, b"no")


@pytest.mark.parametrize("status", [401, 403])
async def test_after_a_refusal_nothing_is_read(owned: Services, orthanc: ScriptedOrthanc, status: int) -> None:
    orthanc.tell(CANCEL, method="POST", status=status)
    assert (await cancel(owned)).status == status
    assert orthanc.paths() == {CANCEL}


async def test_an_unclear_outcome_is_never_tried_again(
    owned: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "ACT_WITHIN", 0.2)
    for silence in (Told(drops=True), Told(hangs=True)):
        orthanc.asked.clear()
        orthanc.tell_in_turn(CANCEL, [silence], method="POST")
        with pytest.raises(OwnerSilent):
            await cancel(owned)
        assert [asked.method for asked in orthanc.asked] == ["POST"]
        owned.clock.pass_by(REST)


async def test_who_did_not_answer_is_sent_nothing_for_a_while(owned: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(CANCEL, method="POST", drops=True)
    with pytest.raises(OwnerSilent):
        await cancel(owned)
    with pytest.raises(OwnerUnreachable):
        await cancel(owned)
    assert orthanc.count("POST", CANCEL) == 1


@pytest.mark.parametrize("state", [GONE, STOPPED])
async def test_to_a_node_that_is_away_nothing_is_sent(owned: Services, orthanc: ScriptedOrthanc, state: str) -> None:
    await owned.end("a", state)
    with pytest.raises(OwnerGone):
        await cancel(owned)
    assert orthanc.asked == []


async def test_the_answer_stands_when_the_job_can_not_be_read_again(owned: Services, orthanc: ScriptedOrthanc) -> None:
    for told in (Told(drops=True), Told(404), Told(200, b"<html>")):
        orthanc.tell_in_turn(PATH, [told])
        owned.clock.pass_by(REST)
        assert (await cancel(owned)).status == 200
    assert owned.state() == "Running"


async def test_the_answer_stands_when_the_index_is_away(owned: Services, orthanc: ScriptedOrthanc) -> None:
    owned.view.connected = False
    assert (await cancel(owned)).status == 200


async def test_the_answer_stands_when_the_node_has_another_incarnation_since(
    owned: Services, orthanc: ScriptedOrthanc
) -> None:
    found = owned.view.jobs[job_id(1)]
    before = owned.view.owner(found)
    await owned.say("a", at=orthanc, incarnation="b" * 32)
    assert (await owned.relay.act(CALLER, found, before, "POST", CANCEL)).status == 200


async def test_an_output_of_a_node_that_is_away_is_not_asked_for(owned: Services, orthanc: ScriptedOrthanc) -> None:
    await owned.end("a", GONE)
    with pytest.raises(OwnerGone):
        async with owned.relay.output(CALLER, "a", owned.view.nodes["a"], f"{PATH}/archive"):
            pytest.fail("there is nobody to ask")
    assert orthanc.asked == []
