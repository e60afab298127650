"""Cases A: replicas and nginx."""

import asyncio

import pytest

from jobindex.demo.fault_proxy import FaultProxy

from .history import Call
from .stage import Stage
from .witness import listing

pytestmark = pytest.mark.asyncio(loop_scope="package")


def slowest(asked: list[asyncio.Task[Call]]) -> float:
    return max(task.result().ended - task.result().began for task in asked)


def unanswered(asked: list[asyncio.Task[Call]]) -> list[Call]:
    return [task.result() for task in asked if task.result().result != "ok"]


async def test_a1_a_replica_is_killed_under_load_and_no_read_fails(usual: Stage) -> None:
    await usual.everywhere()
    async with listing(usual.front, per_second=50) as asked:
        await asyncio.sleep(1)
        async with usual.nemesis.killed("replica-1"):
            await asyncio.sleep(3)
    assert len(asked) > 100
    assert unanswered(asked) == []
    await usual.check()


async def test_a2_a_replica_is_killed_with_actions_in_flight_and_none_is_done_twice(usual: Stage) -> None:
    ids = await usual.everywhere(4)
    owners = tuple(usual.nodes)
    async with usual.nemesis.cut(FaultProxy.stall, target=owners), asyncio.TaskGroup() as tasks:
        acting = [tasks.create_task(usual.front.act("cancel", job_id)) for job_id in ids]
        await asyncio.sleep(0.5)
        async with usual.nemesis.killed("replica-1"):
            await usual.network.heal(target=owners)
    results = [task.result().result for task in acting]
    assert set(results) == {"ok", "unknown"}, results
    await usual.check()


async def test_a4_a_frozen_replica_costs_two_seconds_and_comes_back_with_nothing_stale(usual: Stage) -> None:
    await usual.everywhere()
    async with listing(usual.front, per_second=20) as asked:
        await asyncio.sleep(1)
        async with usual.nemesis.frozen("replica-1"):
            await asyncio.sleep(8)
            await usual.archive("orthanc-a", 5)
    assert unanswered(asked) == []
    assert 1.9 < slowest(asked) < 2.2 + 0.3, "it was met, and not for long"
    await usual.check()
