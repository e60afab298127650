"""A finished job whose Orthanc says less of it after a restart."""

from typing import Any

import pytest

from jobindex.service.visits import Named
from jobindex.store import Store

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc
from ..words import NEXT_INCARNATION, job, stamp
from .services import CALLER, PATIENT, Services, read, services_on
from .test_visits_faults import lists, shown

ENDED = stamp(-60)
FULL = {
    "Description": "REST API",
    "ID": "x",
    "InstancesCount": 4,
    "Path": "/studies/x",
    "PatientID": "y",
    "Resources": [{"ID": "z"}],
    "Type": "Study",
}
SHORT = {"InstancesCount": 4, "Resources": []}
LACKING = [f"Content.{name}" for name in ("Description", "ID", "Path", "PatientID", "Resources", "Type")]


def finished(content: dict[str, Any], at: float = 0.0, **more: Any) -> bytes:
    return job(1, "Success", at=at, Content=content, CompletionTime=ENDED, **more)


def seen(services: Services) -> dict[str, Any]:
    services.shown(1)
    return services.shown(1)


async def restarted(services: Services, orthanc: ScriptedOrthanc, text: bytes) -> None:
    """The Orthanc comes back as another incarnation and tells this of its job."""
    await services.say("a", at=orthanc, incarnation=NEXT_INCARNATION)
    await services.say_all("a", text, incarnation=NEXT_INCARNATION)


async def test_in_use_what_an_orthanc_says_no_more_after_a_restart_is_kept(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", finished(FULL), at=orthanc)
    await restarted(services, orthanc, finished(SHORT, 1, Progress=0))
    told = seen(services)
    assert (told["Content"], told["Progress"]) == (FULL, 100)
    assert told["JobIndex"]["Kept"] == [*LACKING, "Progress"]


async def test_in_use_one_job_is_read_as_the_list_has_it(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", finished(FULL), at=orthanc)
    orthanc.tell_job(job_id(1), finished(SHORT, 1))
    answer = await services.reader.read(CALLER, job_id(1))
    assert answer is not None
    told: dict[str, Any] = read(services.listing, answer)
    assert told["Content"] == FULL
    assert told["JobIndex"]["Kept"] == LACKING


async def test_in_use_a_polled_orthanc_s_text_is_kept_too(store: Store, orthanc: ScriptedOrthanc) -> None:
    lists(orthanc, finished(FULL), job(2))
    timing = PATIENT.__class__(beat=60.0, settling=0.0, patience=0.0, visit=0.05, busy_visit=0.05)
    async with services_on(store, timing, [Named("n", orthanc.url, AUTHORIZATION)]) as services:
        await shown(services, 1, "Success")
        lists(orthanc, finished(SHORT, 1), job(2, "Success", at=1))
        await shown(services, 2, "Success")
        assert seen(services)["Content"] == FULL


@pytest.mark.parametrize("other", [{"ErrorCode": 9}, {"CompletionTime": stamp(-30)}])
async def test_in_use_a_job_that_ended_once_more_is_another(
    services: Services, orthanc: ScriptedOrthanc, other: dict[str, Any]
) -> None:
    await services.say("a", finished(FULL), at=orthanc)
    text = job(1, "Success", at=1, Content=SHORT, **{"CompletionTime": ENDED, **other})
    await restarted(services, orthanc, text)
    assert seen(services)["Content"] == SHORT
    assert "Kept" not in seen(services)["JobIndex"]


@pytest.mark.parametrize("status", [200, 204])
async def test_in_use_nothing_is_kept_after_an_output_was_deleted(
    services: Services, orthanc: ScriptedOrthanc, status: int
) -> None:
    await services.say("a", finished(FULL), at=orthanc)
    path = f"/jobs/{job_id(1)}/archive"
    orthanc.tell(path, method="DELETE", status=status)
    orthanc.tell_job(job_id(1), finished(SHORT, 1))
    stored = services.view.jobs[job_id(1)]
    await services.relay.act(CALLER, stored, services.view.owner(stored), "DELETE", path)
    await services.show()
    assert seen(services)["Content"] == SHORT
    await restarted(services, orthanc, finished({}, 2))
    assert seen(services)["Content"] == {}


async def test_in_use_an_output_that_could_not_be_deleted_changes_nothing(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", finished(FULL), at=orthanc)
    path = f"/jobs/{job_id(1)}/archive"
    orthanc.tell(path, method="DELETE", status=404)
    orthanc.tell_job(job_id(1), finished(SHORT, 1))
    stored = services.view.jobs[job_id(1)]
    await services.relay.act(CALLER, stored, services.view.owner(stored), "DELETE", path)
    await services.show()
    assert seen(services)["Content"] == FULL


async def test_in_use_what_was_cut_before_is_still_said_to_be_cut(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", finished(FULL | {"Resources": ["x" * 50] * 30_000}), at=orthanc)
    await restarted(services, orthanc, finished(SHORT, 1))
    told = seen(services)
    assert told["JobIndex"]["Cut"] == ["Content.Resources"]
    assert "Resources" not in told["Content"]
    assert told["Content"]["ID"] == "x"
