"""Whose a dropped job was is known for as long as it may not come back, and for so many at most."""

import pytest

from jobindex.service.dropped import LASTS_S, Dropped

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import HandClock
from ..words import job
from .services import CALLER, Services

PATH = f"/jobs/{job_id(1)}"


def test_the_owner_is_known_until_the_tombstone_ends() -> None:
    clock = HandClock()
    dropped = Dropped(clock)
    dropped.note(job_id(1), "a")
    clock.pass_by(LASTS_S - 1)
    assert (dropped.owner(job_id(1)), dropped.owner(job_id(2))) == ("a", None)
    clock.pass_by(1)
    assert dropped.owner(job_id(1)) is None


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.service.dropped.MAX_IDS", 2)
    dropped = Dropped()
    for number in (1, 2, 3):
        dropped.note(job_id(number), "a")
    assert [dropped.owner(job_id(number)) for number in (1, 2, 3)] == [None, "a", "a"]


@pytest.fixture
async def deleted(services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Services:
    """Job 1 of node a (`orthanc`) was deleted; there is also node b (`other`)."""
    await services.say("a", job(1, "Success"), at=orthanc)
    await services.say("b", at=other)
    orthanc.tell(PATH, method="DELETE")
    await services.removal.remove(CALLER, services.view.jobs[job_id(1)])
    await services.show()
    return services


async def test_only_the_former_owner_is_asked_about_a_deleted_job(
    deleted: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    assert await deleted.search.find(CALLER, job_id(1)) is None
    assert (orthanc.count("GET", PATH), other.asked) == (1, [])


async def test_a_former_owner_that_has_the_job_after_all_is_believed(
    deleted: Services, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell_job(job_id(1), job(1, "Success", at=1))
    found = await deleted.search.find(CALLER, job_id(1))
    assert found is not None
    assert found.record.state == "Success"


async def test_a_former_owner_that_can_not_be_asked_holds_nothing_up(
    deleted: Services, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, drops=True)
    assert await deleted.search.find(CALLER, job_id(1)) is None
