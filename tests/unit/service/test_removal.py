"""A job is removed where it is first; the index drops it only when its owner has it no more."""

import pytest

from jobindex.errors import NobodyToAsk, OwnerSilent, Refused
from jobindex.model.node import GONE, STOPPED
from jobindex.orthanc.wire import Answer

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..words import job
from .services import CALLER, Services

PATH = f"/jobs/{job_id(1)}"


@pytest.fixture
async def ended(services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Services:
    """Job 1 has ended on node a (`orthanc`); there is also node b (`other`)."""
    await services.say("a", job(1, "Success"), at=orthanc)
    await services.say("b", at=other)
    orthanc.tell_job(job_id(1), job(1, "Success"))
    return services


async def remove(services: Services) -> Answer | None:
    answer = await services.removal.remove(CALLER, services.view.jobs[job_id(1)])
    await services.show()
    return answer


async def test_what_its_owner_has_deleted_is_gone(ended: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, method="DELETE")
    assert await remove(ended) is None
    assert ended.view.jobs == {}
    assert orthanc.count("DELETE", PATH) == 1


async def test_it_does_not_come_back_with_a_report_that_was_on_its_way(
    ended: Services, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, method="DELETE")
    await remove(ended)
    await ended.say("a", job(1, "Success"))
    assert ended.view.jobs == {}


@pytest.mark.parametrize("status", [404, 405])
async def test_what_its_owner_does_not_know_is_dropped(ended: Services, orthanc: ScriptedOrthanc, status: int) -> None:
    orthanc.tell(PATH, method="DELETE", status=status)
    orthanc.forget(PATH)
    assert await remove(ended) is None
    assert ended.view.jobs == {}


@pytest.mark.parametrize("status", [404, 405])
async def test_what_its_owner_does_not_delete_stays(ended: Services, orthanc: ScriptedOrthanc, status: int) -> None:
    orthanc.tell(PATH, b"no", method="DELETE", status=status)
    orthanc.tell_job(job_id(1), job(1, "Running", at=1))
    refusal = await remove(ended)
    assert refusal is not None
    assert (refusal.status, refusal.body) == (status, b"no")
    assert ended.state() == "Running"  # what was read to find out is taken in


async def test_what_can_not_be_found_out_stays(ended: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, method="DELETE", status=404)
    orthanc.tell(PATH, drops=True)
    refusal = await remove(ended)
    assert refusal is not None
    assert refusal.status == 404
    assert ended.state() == "Success"


async def test_an_error_of_the_owner_is_told_and_nothing_is_read(ended: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, method="DELETE", status=500)
    refusal = await remove(ended)
    assert refusal is not None
    assert refusal.status == 500
    assert (ended.state(), orthanc.count("GET", PATH)) == ("Success", 0)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_raised_and_nothing_is_dropped(
    ended: Services, orthanc: ScriptedOrthanc, status: int
) -> None:
    orthanc.tell(PATH, method="DELETE", status=status)
    with pytest.raises(Refused):
        await remove(ended)
    assert ended.state() == "Success"


async def test_an_unclear_outcome_drops_nothing_and_is_not_tried_again(
    ended: Services, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, method="DELETE", drops=True)
    with pytest.raises(OwnerSilent):
        await remove(ended)
    assert (ended.state(), orthanc.count("DELETE", PATH)) == ("Success", 1)


@pytest.mark.parametrize("state", [GONE, STOPPED])
async def test_what_an_absent_owner_had_is_dropped_when_any_other_lets_the_caller(
    ended: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, state: str
) -> None:
    await ended.end("a", state)
    assert await remove(ended) is None
    assert ended.view.jobs == {}
    assert (orthanc.asked, other.count("DELETE", PATH)) == ([], 1)


async def test_what_an_absent_owner_had_stays_when_another_refuses_the_caller(
    ended: Services, other: ScriptedOrthanc
) -> None:
    other.tell(PATH, method="DELETE", status=403)
    await ended.end("a", GONE)
    with pytest.raises(Refused):
        await remove(ended)
    assert ended.state() == "Success"


async def test_what_an_absent_owner_had_stays_when_nobody_can_be_asked(ended: Services) -> None:
    for node in "ab":
        await ended.end(node, GONE)
    with pytest.raises(NobodyToAsk):
        await remove(ended)
    assert ended.state() == "Success"
