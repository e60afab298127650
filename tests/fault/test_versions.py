"""Cases A: replicas of two versions on one Redis, as while they are replaced one by one."""

from itertools import permutations
from pathlib import Path

import orjson
import pytest
from caller import eventually

from jobindex.demo.cluster import Plan
from jobindex.demo.configuration import NOWHERE
from jobindex.demo.fault_proxy import FaultProxy
from jobindex.store.keys import NODES, OWNERS, key

from .figures import note
from .reads import reading
from .stage import Stage, staged
from .successor import build_successor

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.fault_long]

OLD, NEW = "replica-1", "replica-2"
HASTY = {"JOBINDEX_BEAT": "6"}


async def test_a8_two_versions_of_the_service_keep_what_the_other_tells(tmp_path: Path) -> None:
    """Each takes reports and writes states in its turn; what only the newer one knows stays where it put it."""
    async with staged(Plan(nodes=2, replicas=2, simulated=True, settings=HASTY), tmp_path) as stage:
        async with reading(stage.front) as reads:
            await stage.everywhere(2)
            await upgrade(stage, NEW, build_successor(tmp_path))
            ids, failed = await told_to_the_new(stage)
            await told_to_the_old(stage, failed)
            for awake, asleep in permutations((OLD, NEW)):
                await late_and_back(stage, awake, asleep)
            for replica in (OLD, NEW):
                await stage.nemesis.restart(replica)
        note("two versions on one Redis", f"{len(reads.failed)} of {len(reads.calls)} reads failed")
        assert reads.failed == []
        assert set(await racks(stage)) == {"seven"}
        assert [line for line in await lines(stage, ids) if not line.endswith(" shelf=7")] == []
        await stage.check()


async def upgrade(stage: Stage, replica: str, copy: Path) -> None:
    process = stage.nemesis.processes[replica]
    process.environment = {**process.environment, "PYTHONPATH": str(copy)}
    await stage.nemesis.restart(replica)


async def told_to_the_new(stage: Stage) -> tuple[list[str], list[str]]:
    """The ids of jobs, and of those that fail, of Orthancs that only the newer one heard of."""
    async with stage.nemesis.cut(FaultProxy.refuse, target=(OLD,)):
        for node in stage.nodes:
            await stage.nemesis.restart(node)
        stage.small.clear()
        ids = await stage.everywhere()
        orders = [(node, {"Resources": [stage.small[node]]}) for node in stage.nodes]
        failed = [(await stage.at[node].submit(node, f"/peers/{NOWHERE}/store", **order)).id for node, order in orders]
        for replica in stage.replicas:
            await stage.listed(replica, failed, "Failure")
    assert set(await racks(stage)) == {"seven"}
    assert all(line.endswith(" shelf=7") for line in await lines(stage, ids + failed))
    return ids + failed, failed


async def told_to_the_old(stage: Stage, failed: list[str]) -> None:
    """It writes what becomes of the same jobs: they fail anew, and their Orthancs forget them."""
    async with stage.nemesis.cut(FaultProxy.refuse, target=(NEW,)):
        before = await lines(stage, failed)
        assert {(await stage.at[OLD].act("resubmit", job_id)).result for job_id in failed} == {"ok"}
        await stage.everywhere(12)
        for replica in stage.replicas:
            await stage.listed(replica, failed, "Failure")
        assert not set(before) & set(await lines(stage, failed))


async def late_and_back(stage: Stage, awake: str, asleep: str) -> None:
    """One of the two writes both states of an Orthanc: the other is frozen, and then hears of them."""
    async with stage.nemesis.frozen(asleep):
        async with stage.nemesis.frozen("orthanc-b"):
            await eventually(lambda: is_told(stage, awake, "Late"), within=16)
        await eventually(lambda: is_told(stage, awake, "Alive"), within=16)
    await stage.marked("orthanc-b", "Alive", within=5)


async def is_told(stage: Stage, replica: str, state: str) -> bool:
    return await stage.node_state(replica, "orthanc-b") == state


async def racks(stage: Stage) -> list[str]:
    """What the newer one told of each node."""
    async with stage.nemesis.master() as redis:
        return [orjson.loads(record).get("rack", "") for record in await redis.hvals(key(NODES))]


async def lines(stage: Stage, ids: list[str]) -> list[str]:
    async with stage.nemesis.master() as redis:
        return [line.decode() for line in await redis.hmget(key(OWNERS), ids)]
