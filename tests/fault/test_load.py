"""Cases H: too much of everything, for too long."""

import asyncio
import os
import resource
from pathlib import Path
from random import Random

import pytest

from jobindex.demo.cluster import Plan

from .figures import note
from .growth import Growth, open_files
from .harm import harm, orthanc_frozen, orthanc_stopped, redis_emptied, redis_frozen, redis_killed
from .stage import Stage, staged
from .traffic import busy
from .witness import witness

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.fault_long]

SOAK = min(float(os.environ.get("MINUTES") or 5), 10) * 30  # seconds: half the minutes, five at most
KEPT = "100"  # jobs in the history, soon reached: what grows afterwards grows without need


async def test_h2_a_replica_that_may_open_no_more_files_recovers(usual: Stage) -> None:
    """Whoever is in gets an answer; the others wait or are turned away, until there is room again."""
    await usual.everywhere(1)
    process = usual.nemesis.processes["replica-1"]
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    async with witness("crowd", usual.at["replica-1"].url, usual.history) as crowd:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (open_files(process.pid) + 10, before[1]))
        try:
            calls = await asyncio.wait_for(asyncio.gather(*(crowd.list() for _ in range(100))), 15)
        finally:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    assert [call for call in calls if call.result == "ok"] != []
    assert process.running
    await usual.check()


@pytest.mark.timeout(SOAK + 120)
async def test_h4_replicas_do_not_grow(tmp_path: Path) -> None:
    """Under faults of everything around them, with jobs that come and go."""
    dice = Random(4)
    plan = Plan(replicas=2, simulated=True, settings={"JOBINDEX_KEEP_JOBS": KEPT})
    growth = Growth()
    around = (orthanc_frozen, orthanc_stopped, redis_emptied, redis_frozen, redis_killed)
    async with staged(plan, tmp_path) as stage, asyncio.TaskGroup() as tasks:
        replicas = {name: stage.nemesis.processes[name].pid for name in stage.replicas}
        watching = tasks.create_task(growth.watch(replicas))
        async with busy(stage, dice, per_second=20) as reads:
            await harm(stage, dice, SOAK, around)
        watching.cancel()
        await stage.recover(30)
    memory = " and ".join(f"{sizes[-1] / 2**20:.0f} MiB" for sizes in growth.memory.values())
    note(f"{SOAK:.0f} s under faults", f"replicas of {memory}, {len(reads.failed)} of {len(reads.calls)} reads failed")
    assert [*growth.found()] == []
