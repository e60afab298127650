"""A node whose plugin can't read its own Orthanc: it reports, and counts nowhere as one that knows."""

import asyncio
from dataclasses import replace

import pytest

from jobindex.errors import NobodyToAsk
from jobindex.model.node import ALIVE, LATE
from jobindex.service.timing import Timing
from jobindex.store import Store

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc, scripted
from ..waiting import until
from ..words import job
from .services import CALLER, PATIENT, Services, following, idle_on, services_on

WHY = "no token is let in (401): name a SelfUser"
SILENT_SOON = Timing(beat=0.3, probe=0.2, again=0.05, gone=0.3, back=60, settling=0, patience=0)


async def test_plugin_a_view_is_full_without_a_node_that_can_not_read(store: Store, orthanc: ScriptedOrthanc) -> None:
    """Its complete report, which a new replica waits for, never comes."""
    async with idle_on(store, replace(PATIENT, patience=600)) as services, following(services):
        await services.say("a", at=orthanc, CannotRead=WHY)
        await services.say("b", at=orthanc)
        await services.say_all("b", job(1))
        async with asyncio.timeout(5):
            await services.view.full.wait()


async def test_plugin_its_silence_does_not_keep_an_unknown_id_from_being_404(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    other.tell(f"/jobs/{job_id(9)}", status=503)
    await services.say("a", at=orthanc)
    await services.say("b", at=other, CannotRead=WHY)
    assert await services.search.find(CALLER, job_id(9)) is None


async def test_plugin_its_refusal_is_no_word_on_an_unknown_id(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    other.tell(f"/jobs/{job_id(9)}", status=403)
    await services.say("a", at=other, CannotRead=WHY)
    with pytest.raises(NobodyToAsk):
        await services.search.find(CALLER, job_id(9))


async def test_what_it_has_all_the_same_is_found(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    other.tell(f"/jobs/{job_id(9)}", job(9))
    await services.say("a", at=orthanc)
    await services.say("b", at=other, CannotRead=WHY)
    found = await services.search.find(CALLER, job_id(9))
    assert found is not None
    assert found.record.node == "b"


async def test_plugin_it_is_not_asked_what_a_caller_may(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc, CannotRead=WHY)
    with pytest.raises(NobodyToAsk):
        await services.rights.may_list(CALLER)
    assert orthanc.asked == []
    await services.say("b", at=other)
    await services.rights.may_list(CALLER)
    assert orthanc.asked == []


async def test_plugin_its_beat_is_no_proof_against_mass_silence(store: Store, orthanc: ScriptedOrthanc) -> None:
    """Of those that know something most are silent: then it is more likely that we are cut off."""
    async with services_on(store, SILENT_SOON) as services:
        async with scripted() as first, scripted() as second:
            await services.say("a", job(1), at=first)
            await services.say("b", job(2), at=second)

        async def long_silent() -> bool:
            for name in ("x", "y", "z"):
                await services.say(name, at=orthanc, CannotRead=WHY)
            await services.roster.late_due()
            await services.show()
            return await store.changes.now() - services.view.nodes["a"].seen > 1500

        await until(long_silent)
        assert (services.view.nodes["a"].state, services.view.nodes["b"].state) == (LATE, LATE)
        assert (services.state(1), services.state(2)) == ("Running", "Running")


async def test_a_complete_report_ends_it_and_others_do_not(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc, CannotRead=WHY)
    assert (services.view.nodes["a"].state, services.view.nodes["a"].cannot_read) == (ALIVE, WHY)
    await services.say("a", job(1))
    assert services.view.nodes["a"].cannot_read == WHY
    await services.say_all("a", job(1))
    assert services.view.nodes["a"].cannot_read == ""


async def test_a_new_incarnation_begins_without_it(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc, CannotRead=WHY)
    await services.say("a", at=orthanc, incarnation="b" * 32)
    assert services.view.nodes["a"].cannot_read == ""
