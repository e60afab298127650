"""Cases C: the Orthancs."""

import asyncio
import time

import pytest
from caller import eventually

from jobindex.demo.probes import reads as text_at

from .figures import note
from .reads import reading
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

MARKED = 16.0  # seconds until a silent node is late
ANSWERED = 3.0  # seconds for an action on a job of a dead node


async def test_c1_c2_the_jobs_of_a_killed_orthanc_stay_marked_and_end_as_lost_when_it_is_back(usual: Stage) -> None:
    """Of C2: its new process is sent nothing of the old jobs, and is no error."""
    running = await usual.start_long("orthanc-b")
    ids = set(await usual.everywhere())
    async with reading(usual.front) as reads:
        began = time.monotonic()
        async with usual.nemesis.killed("orthanc-b"):
            at_once = await usual.front.act("cancel", running)
            await usual.marked("orthanc-b", "Late", MARKED)
            marked = time.monotonic() - began
            late = await usual.front.act("pause", running)
            others = await usual.archive("orthanc-a")
            assert (await usual.front.act("cancel", others[0])).result == "ok"
            await usual.listed("replica-2", [running], "Running")
        back = time.monotonic()
        await asyncio.gather(*(usual.listed(replica, [running], "Failure") for replica in usual.replicas))
        lost = time.monotonic() - back
    answered = max(call.ended - call.began for call in (at_once, late))
    note("Orthanc killed", f"marked after {marked:.1f} s, actions answered within {answered:.2f} s")
    note("Orthanc back without its jobs", f"lost after {lost:.1f} s")
    assert reads.failed == []
    assert reads.complete_after(began, {*ids, running}) == 0
    assert {at_once.result, late.result} == {"fail"}
    assert answered < ANSWERED
    assert (await usual.front.list()).jobs[running].lost
    assert (await usual.front.act("resume", running)).status < 500
    await usual.check()


async def test_c16_when_all_orthancs_are_silent_none_is_given_up(brisk: Stage) -> None:
    """Nine seconds of silence would be enough to give one up; these are twenty."""
    ids = set(await brisk.everywhere())
    running = await brisk.start_long("orthanc-a")
    async with brisk.nemesis.frozen(*brisk.nodes):
        await all_late(brisk)
        await asyncio.sleep(10)
        async with brisk.nemesis.master() as redis:
            states = await redis.hvals("{jobindex}:nodes")
        metrics = await metrics_of(brisk)
    assert not [state for state in states if b'"Gone"' in state]
    assert any("jobindex_mass_silence 1.0" in text for text in metrics)
    for node in brisk.nodes:
        await brisk.marked(node, "Alive", within=15)
    for replica in brisk.replicas:
        jobs = (await brisk.at[replica].list()).jobs
        assert {*ids, running} <= jobs.keys()
        assert not [job for job in jobs.values() if job.lost]
    await brisk.check()


async def all_late(stage: Stage) -> None:
    """Nobody can be asked for rights, so nobody can be asked for the nodes: Redis knows."""

    async def found() -> bool:
        async with stage.nemesis.master() as redis:
            return all(b'"Late"' in node for node in await redis.hvals("{jobindex}:nodes"))

    await eventually(found, within=20)


async def metrics_of(stage: Stage) -> list[str]:
    return [await text_at(f"{replica.internal_url}/metrics") for replica in stage.cluster.replicas.values()]
