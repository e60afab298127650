"""What was acted on is looked after: a few times, for so many jobs at once, and not where it has ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from jobindex.service.actions import MAX_LOOKS, Actions

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import job
from .services import CALLER, Services

PATH = f"/jobs/{job_id(1)}"


@pytest.fixture
async def actions(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Actions]:
    """Job 1 runs on node a, and goes on running whatever is done."""
    monkeypatch.setattr("jobindex.service.actions.LOOK_EVERY_S", 0.01)
    await services.say("a", job(1), at=orthanc)
    orthanc.tell_job(job_id(1), job(1))
    orthanc.tell(f"{PATH}/cancel", b"{}", method="POST")
    actions = Actions(services.view, services.relay)
    following = asyncio.create_task(actions.follow())
    yield actions
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def quiet(orthanc: ScriptedOrthanc) -> int:
    """How often the job was read, when it is read no more."""
    count = -1
    while count != orthanc.count("GET", PATH):
        count = orthanc.count("GET", PATH)
        await asyncio.sleep(0.3)
    return count


async def test_a_job_that_takes_its_time_is_left_to_its_reports(
    services: Services, actions: Actions, orthanc: ScriptedOrthanc
) -> None:
    await actions.act(CALLER, services.view.jobs[job_id(1)], "cancel")
    assert await quiet(orthanc) == 1 + MAX_LOOKS


async def test_what_ended_meanwhile_is_not_read(
    services: Services, actions: Actions, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.actions.LOOK_EVERY_S", 0.2)
    await actions.act(CALLER, services.view.jobs[job_id(1)], "cancel")
    await services.say("a", job(1, "Failure", at=1))
    assert await quiet(orthanc) == 1


async def test_what_was_refused_is_not_looked_after(
    services: Services, actions: Actions, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(f"{PATH}/cancel", method="POST", status=400)
    await actions.act(CALLER, services.view.jobs[job_id(1)], "cancel")
    assert await quiet(orthanc) == 1


async def test_an_owner_that_does_not_answer_ends_nothing(
    services: Services, actions: Actions, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, drops=True)
    await actions.act(CALLER, services.view.jobs[job_id(1)], "cancel")
    await until(lambda: orthanc.count("GET", PATH) >= 1)
    services.breaker.reset("a")
    orthanc.tell_job(job_id(1), job(1, "Failure", at=1))
    await actions.act(CALLER, services.view.jobs[job_id(1)], "cancel")
    await until(lambda: services.state() == "Failure")


async def test_so_many_are_looked_after_at_once(
    services: Services, actions: Actions, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.actions.MAX_LOOKED_AFTER", 2)
    monkeypatch.setattr("jobindex.service.actions.MAX_LOOKS", 1)
    monkeypatch.setattr("jobindex.service.actions.LOOK_EVERY_S", 0.3)
    for _ in range(5):
        await actions.act(CALLER, services.view.jobs[job_id(1)], "cancel")
    await until(lambda: orthanc.count("GET", PATH) == 5 + 2)
    assert await quiet(orthanc) == 5 + 2
