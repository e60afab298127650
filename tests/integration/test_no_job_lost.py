"""Three thousand short jobs, as fast as three real Orthancs take them: none missing, none twice, none without end.

With a history of 10, Orthanc forgets a job a few milliseconds after its end.
"""

import asyncio
from collections import Counter

import pytest
from caller import Caller, calling, eventually

from jobindex.demo.cluster import Cluster, Plan

JOBS = 3_000
AT_ONCE = 24


async def submit(orthancs: list[Caller], count: int) -> list[str]:
    """The ids of so many archive jobs, spread over the Orthancs."""
    studies = [await orthanc.upload() for orthanc in orthancs]
    ids: list[str] = []

    async def some(share: int) -> None:
        for number in range(share):
            place = number % len(orthancs)
            ids.append(await orthancs[place].archive(studies[place]))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(some(count // AT_ONCE))
    return ids


async def all_have_ended(replica: Caller, ids: list[str]) -> bool:
    jobs = await replica.json("/jobs?expand")
    ended = {job["ID"] for job in jobs if job["State"] in ("Success", "Failure")}
    return set(ids) <= ended


async def check(replica: Caller, ids: list[str]) -> None:
    await eventually(lambda: all_have_ended(replica, ids), within=30)
    jobs = await replica.json("/jobs?expand")
    assert max(Counter(job["ID"] for job in jobs).values()) == 1
    assert {job["ID"] for job in jobs} == set(ids), "none invented"
    assert Counter(job["State"] for job in jobs) == {"Success": len(ids)}
    assert not [job for job in jobs if job["JobIndex"].get("Lost")]


async def pause_replicas(cluster: Cluster, seconds: float) -> None:
    """Every replica is away for so long: whatever the plugins send is refused."""
    for replica in cluster.replicas.values():
        await replica.process.kill()
    await asyncio.sleep(seconds)  # how long the outage lasts is what is tested, nothing is waited for
    await asyncio.gather(*(replica.process.start() for replica in cluster.replicas.values()))


@pytest.mark.parametrize(("history", "outage"), [(5_000, 0.0), (10, 0.0), (10, 5.0)])
async def test_every_job_is_listed_with_its_end(start, history: int, outage: float) -> None:
    async with (
        start(Plan(nodes=3, replicas=2, nginx=False, history=history)) as cluster,
        calling(cluster.nodes["orthanc-a"].url) as a,
        calling(cluster.nodes["orthanc-b"].url) as b,
        calling(cluster.nodes["orthanc-c"].url) as c,
        asyncio.TaskGroup() as tasks,
    ):
        submitting = tasks.create_task(submit([a, b, c], JOBS))
        if outage:
            await pause_replicas(cluster, outage)
        ids = await submitting
        for replica in cluster.replicas.values():
            async with calling(replica.public_url) as caller:
                await check(caller, ids)
