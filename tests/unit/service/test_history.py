"""What Orthanc has forgotten is kept for days, failures longer, a number at most; then it is reaped."""

from dataclasses import replace

import pytest

from jobindex.model.node import STOPPED
from jobindex.service.history import History
from jobindex.service.timing import Timing
from jobindex.store import Store

from ..scripted_orthanc import ScriptedOrthanc
from ..words import job
from .services import PATIENT, Services, services_on

DAY = 86_400.0
KEEPS = replace(PATIENT, history=7 * DAY, failures=30 * DAY, most_history=1000)


async def ended(services: Services, at: ScriptedOrthanc, **days: float) -> None:
    """Finished jobs 1, 2, … of a node that has forgotten them since: `Success_8=8` ended eight days ago."""
    jobs = [job(number, name.split("_")[0], at=-age * DAY) for number, (name, age) in enumerate(days.items(), start=1)]
    await services.say("a", *jobs, at=at)
    await services.say_all("a")


async def reap(services: Services, timing: Timing = KEEPS) -> set[int]:
    """The numbers of the jobs that are left."""
    await History(services.store, services.view, timing).reap_due()
    await services.show()
    return {int(job_id[:8], 16) for job_id in services.view.jobs}


async def test_successes_are_kept_seven_days_and_failures_thirty(services: Services, orthanc: ScriptedOrthanc) -> None:
    await ended(services, orthanc, Success_a=6.9, Success_b=7.1, Failure_a=29.9, Failure_b=30.1)
    assert await reap(services) == {1, 3}


async def test_no_more_than_a_number_are_kept_and_the_oldest_go(services: Services, orthanc: ScriptedOrthanc) -> None:
    await ended(services, orthanc, Success_a=1, Success_b=4, Failure_c=3, Success_d=2)
    assert await reap(services, replace(KEEPS, most_history=2)) == {1, 4}


async def test_what_a_living_node_holds_is_never_reaped(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Success", at=-100 * DAY), job(2, "Running"), at=orthanc)
    assert await reap(services, replace(KEEPS, most_history=0)) == {1, 2}


async def test_what_a_node_brings_meanwhile_is_not_reaped(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished, brought = services.store.jobs.finished, job(1, "Success", at=-8 * DAY)

    async def finished_late(offset: int, most: int) -> list[tuple[str, float]]:
        await services.say("b", brought, at=orthanc)
        return await finished(offset, most)

    monkeypatch.setattr(services.store.jobs, "finished", finished_late)
    await History(services.store, services.view, KEEPS).reap_due()
    assert await services.store.jobs.count() == 1


async def test_what_a_stopped_node_held_is_history(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Success", at=-8 * DAY), job(2, "Success", at=-6 * DAY), at=orthanc)
    await services.end("a", STOPPED)
    assert await reap(services) == {2}


async def test_a_job_without_an_end_is_never_reaped(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Paused", at=-100 * DAY), at=orthanc)
    await services.end("a", STOPPED)
    assert await reap(services, replace(KEEPS, most_history=0)) == {1}


async def test_a_node_is_forgotten_with_its_last_job(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Success", at=-8 * DAY), at=orthanc)
    await services.say("b", job(2, "Success", at=-6 * DAY), at=orthanc)
    await services.say("c", at=orthanc)
    for node in "ab":
        await services.end(node, STOPPED)
    await reap(services)
    assert set(services.view.nodes) == {"b", "c"}


async def test_whichever_replica_comes_first_does_it(store: Store, orthanc: ScriptedOrthanc) -> None:
    async with services_on(store) as services:
        await reap(services)
        await ended(services, orthanc, Success_a=8)
        assert await reap(services) == {1}  # it is done for this minute


async def test_more_jobs_than_are_read_at_once_are_reaped(services: Services, orthanc: ScriptedOrthanc) -> None:
    for start in range(0, 1200, 200):
        old = [job(number, "Success", at=-8 * DAY - number) for number in range(start, start + 200)]
        await services.say("a", *old, at=orthanc)
    await services.end("a", STOPPED)
    assert await reap(services) == set()


async def test_a_look_goes_on_where_the_last_one_ended(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("AT_ONCE", 2), ("MOST", 2), ("EVERY", 0.0)):
        monkeypatch.setattr(f"jobindex.service.history.{name}", value)
    await services.say("a", *(job(number, "Success", at=-9 * DAY) for number in range(2)), at=orthanc)
    await services.say("b", *(job(number, "Success", at=-8 * DAY) for number in range(2, 7)), at=orthanc)
    await services.end("b", STOPPED)
    history = History(services.store, services.view, KEEPS)
    left = []
    for _ in range(5):
        await history.reap_due()
        left.append(await services.store.jobs.count())
    assert left == [7, 5, 3, 2, 2]
