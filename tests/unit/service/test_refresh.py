"""Before an exact list the nodes are asked, as the caller, for what the view can't know."""

import asyncio

import orjson
import pytest

from jobindex.service.breaker import REST
from jobindex.service.purge import Purge

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc, Told
from ..words import job
from .services import CALLER, PATIENT, STRANGER, Services


def lists(orthanc: ScriptedOrthanc, *numbers: int) -> None:
    orthanc.tell("/jobs", orjson.dumps([job_id(number) for number in numbers]))


async def refresh(services: Services) -> None:
    await services.refresh.refresh(CALLER)
    await services.show()


async def test_what_is_unknown_or_unfinished_is_read_and_nothing_else(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.WITHIN", 5.0)
    await services.say("a", job(1, "Success"), job(2, "Running"), at=orthanc)
    lists(orthanc, 1, 2, 3)
    orthanc.tell_job(job_id(2), job(2, "Failure", at=1))
    orthanc.tell_job(job_id(3), job(3, "Pending"))
    await refresh(services)
    assert [services.state(number) for number in (1, 2, 3)] == ["Success", "Failure", "Pending"]
    assert orthanc.paths() == {"/jobs", f"/jobs/{job_id(2)}", f"/jobs/{job_id(3)}"}
    assert {asked.headers["Authorization"] for asked in orthanc.asked} == {AUTHORIZATION}


async def test_a_silent_node_holds_nobody_up(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.say("b", at=other)
    orthanc.tell("/jobs", hangs=True)
    lists(other, 2)
    other.tell_job(job_id(2), job(2))
    async with asyncio.timeout(5):
        await refresh(services)
    assert (services.state(1), services.state(2)) == ("Running", "Running")


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}", b"[1, null, {}]", b'["..", "/system"]', b"3", b""])
async def test_an_answer_that_is_no_list_of_jobs_is_passed_over(
    services: Services, orthanc: ScriptedOrthanc, body: bytes
) -> None:
    await services.say("a", job(1), at=orthanc)
    orthanc.tell("/jobs", body)
    await refresh(services)
    assert orthanc.paths() == {"/jobs"}


async def test_a_job_that_is_none_is_passed_over(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    lists(orthanc, 1, 2)
    orthanc.tell_job(job_id(1), b"<html>")
    orthanc.tell_job(job_id(2), job(2))
    await refresh(services)
    assert (services.state(1), services.state(2)) == ("", "Running")


async def test_who_is_refused_learns_nothing(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    lists(orthanc, 1)
    orthanc.tell_job(job_id(1), job(1))
    await services.refresh.refresh(STRANGER)
    await services.show()
    assert services.view.jobs == {}
    assert orthanc.paths() == {"/jobs"}


async def test_those_who_ask_at_once_with_the_same_credentials_share_the_asking(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", at=orthanc)
    await asyncio.gather(*(services.refresh.refresh(CALLER) for _ in range(10)))
    assert orthanc.count("GET", "/jobs") == 1
    await asyncio.gather(services.refresh.refresh(CALLER), services.refresh.refresh(STRANGER))
    assert orthanc.count("GET", "/jobs") == 3


async def test_a_job_that_can_not_be_read_at_this_moment_is_read_at_the_next(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orthanc answers 400 while it can't format the progress of an archive."""
    monkeypatch.setattr("jobindex.service.refresh.WITHIN", 5.0)
    await services.say("a", at=orthanc)
    lists(orthanc, 1)
    orthanc.tell_in_turn(f"/jobs/{job_id(1)}", [Told(status=400), Told(status=400), Told(body=job(1))])
    await refresh(services)
    assert services.state(1) == "Running"


async def test_a_node_that_did_not_answer_is_waited_for_once_in_five_seconds(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.WITHIN", 0.2)
    await services.say("a", at=orthanc)
    await services.say("b", at=other)
    orthanc.tell("/jobs", hangs=True)
    for _ in range(3):
        await refresh(services)
    assert (orthanc.count("GET", "/jobs"), other.count("GET", "/jobs")) == (1, 3)
    services.clock.pass_by(REST)
    lists(orthanc, 1)
    orthanc.tell_job(job_id(1), job(1))
    await refresh(services)
    assert services.state(1) == "Running"
    assert not services.breaker.rests("a")


async def test_unknown_jobs_are_read_before_unfinished_ones(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.MOST_READ", 1)
    await services.say("a", job(1), job(2), at=orthanc)
    lists(orthanc, 1, 2, 3)
    orthanc.tell_job(job_id(3), job(3))
    await refresh(services)
    assert services.state(3) == "Running"
    assert orthanc.paths() == {"/jobs", f"/jobs/{job_id(3)}"}


async def test_read_your_writes_purged_jobs_that_an_orthanc_holds_take_no_place(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.MOST_READ", 2)
    old = [1, 2, 3, 4]
    await services.say("a", *(job(number, "Success") for number in old), at=orthanc)
    purge = Purge(services.store, PATIENT)
    await purge.drop(await purge.named([job_id(number) for number in old]))
    await services.show()
    lists(orthanc, *old, 9)
    orthanc.tell_job(job_id(9), job(9))
    await refresh(services)
    assert services.state(9) == "Running"
    assert orthanc.paths() == {"/jobs", f"/jobs/{job_id(9)}"}


async def test_read_your_writes_jobs_that_another_node_owns_take_no_place(
    services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.MOST_READ", 2)
    await services.say("a", at=orthanc)
    await services.say("b", *(job(number, "Success") for number in (1, 2, 3)), at=other)
    lists(orthanc, 1, 2, 3, 9)
    orthanc.tell_job(job_id(9), job(9))
    await refresh(services)
    assert services.state(9) == "Running"
    assert orthanc.paths() == {"/jobs", f"/jobs/{job_id(9)}"}


async def test_read_your_writes_unknown_jobs_that_can_not_be_read_give_way_to_new_ones(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.MOST_READ", 2)
    await services.say("a", at=orthanc)
    for number in (1, 2):
        orthanc.tell(f"/jobs/{job_id(number)}", status=404)
    lists(orthanc, 1, 2)
    await refresh(services)
    lists(orthanc, 1, 2, 9)
    orthanc.tell_job(job_id(9), job(9))
    await refresh(services)
    assert services.state(9) == "Running"
