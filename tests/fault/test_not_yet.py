"""Case N: one job that its Orthanc can't print for a minute, with our plugin and without any."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from caller import Caller, calling, eventually

from jobindex.demo.cluster import Plan
from jobindex.demo.simulator import Simulator
from jobindex.demo.simulator.simulator import REAL_TIME

from .stage import Stage, staged

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.fault_long]

LASTS_S = 60.0
CURRENT_WITHIN_S = 6.0
"""A polled Orthanc at rest is visited every 5 s."""
POLLED = "polled"
STEP_S = 0.1
LONG, SHORT = 200, 3  # instances, a step each


async def shown(stage: Stage, job_id: str) -> dict[str, Any]:
    """The job as every replica's list has it; nothing while they differ or have it not."""
    lists = [await stage.callers[replica].json("/jobs?expand") for replica in stage.replicas]
    found = [next((job for job in jobs if job["ID"] == job_id), {}) for jobs in lists]
    return found[0] if len({job.get("State") for job in found}) == 1 else {}


async def ends(stage: Stage, job_id: str) -> None:
    async def has_ended() -> bool:
        return (await shown(stage, job_id)).get("State") == "Success"

    await eventually(has_ended, CURRENT_WITHIN_S)


async def balks(stage: Stage, orthanc: Caller) -> str:
    """A job that is shown as running, and of which its Orthanc has no text from now on."""
    job_id = await orthanc.anonymize(await orthanc.upload(LONG, 64))

    async def runs() -> bool:
        return (await shown(stage, job_id)).get("State") == "Running"

    await eventually(runs, CURRENT_WITHIN_S)
    await orthanc.post("/simulator/balk", {"ID": job_id})
    return job_id


async def stays_well(stage: Stage, node: str, orthanc: Caller, job_id: str) -> None:
    """For a minute the node is alive, its other jobs are current, and this one is not given up."""
    study = await orthanc.upload(SHORT, 64)
    until = asyncio.get_running_loop().time() + LASTS_S
    while asyncio.get_running_loop().time() < until:
        await ends(stage, await orthanc.anonymize(study))
        assert {await stage.node_state(replica, node) for replica in stage.replicas} == {"Alive"}
        told = await shown(stage, job_id)
        assert told.get("State") in ("Running", "Success")
        assert "Lost" not in told["JobIndex"]
    await orthanc.post("/simulator/recover", {})
    await ends(stage, job_id)


@pytest.mark.timeout(LASTS_S + 120)
async def test_plugin_a_job_that_says_not_yet_for_a_minute_costs_nobody_anything(tmp_path: Path) -> None:
    pace = replace(REAL_TIME, step=STEP_S)
    configuration = {"Name": POLLED, "JobsHistorySize": 100}
    async with Simulator(configuration, pace=pace) as polled, calling(polled.url) as without:
        settings = {"JOBINDEX_NODES": json.dumps([{"id": POLLED, "url": polled.url}])}
        arguments = ("--step", str(STEP_S))
        plan = Plan(nodes=1, replicas=2, simulated=True, history=100, settings=settings, arguments=arguments)
        async with staged(plan, tmp_path) as stage, asyncio.TaskGroup() as both:
            for node, orthanc in (("orthanc-a", stage.callers["orthanc-a"]), (POLLED, without)):
                both.create_task(stays_well(stage, node, orthanc, await balks(stage, orthanc)), name=node)
