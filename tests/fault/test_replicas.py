"""Cases A: replicas and nginx."""

import asyncio

import pytest

from jobindex.demo.fault_proxy import FaultProxy

from .figures import note
from .reads import reading
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a1_a_replica_is_killed_under_load_and_no_read_fails(usual: Stage) -> None:
    await usual.everywhere()
    async with reading(usual.front, per_second=50) as reads:
        await asyncio.sleep(1)
        async with usual.nemesis.killed("replica-1"):
            await asyncio.sleep(3)
    assert len(reads.calls) > 100
    note("replica kill -9 under 50 GET/s", f"{len(reads.failed)} of {len(reads.calls)} reads failed")
    assert reads.failed == []
    await usual.check()


async def test_a2_a_replica_is_killed_with_actions_in_flight_and_none_is_done_twice(usual: Stage) -> None:
    ids = await usual.everywhere()
    owners = tuple(usual.nodes)
    async with usual.nemesis.cut(FaultProxy.stall, target=owners), asyncio.TaskGroup() as tasks:
        acting = [tasks.create_task(usual.front.act("cancel", job_id)) for job_id in ids]
        await asyncio.sleep(0.5)
        async with usual.nemesis.killed("replica-1"):
            await usual.network.heal(target=owners)
    assert {task.result().result for task in acting} == {"ok", "unknown"}
    await usual.check()


async def test_a4_a_frozen_replica_costs_two_seconds_and_comes_back_with_nothing_stale(usual: Stage) -> None:
    await usual.everywhere()
    async with reading(usual.front) as reads:
        await asyncio.sleep(1)
        async with usual.nemesis.frozen("replica-1"):
            await asyncio.sleep(8)
            await usual.archive("orthanc-a", 5)
    note("replica frozen", f"slowest read {reads.slowest:.2f} s, {len(reads.failed)} of {len(reads.calls)} failed")
    assert reads.failed == []
    assert 1.9 < reads.slowest < 2.5, "it was met, and not for long"
    await usual.check()
