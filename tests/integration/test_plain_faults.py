"""When a part dies: what people see."""

import asyncio
from typing import Any

from caller import Caller, calling, eventually, finished

from jobindex.demo.cluster import Cluster, Plan


def by_id(jobs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {job["ID"]: job for job in jobs}


async def some_jobs(cluster: Cluster) -> list[str]:
    """A few finished jobs on every Orthanc; some more than it remembers itself."""
    ids = []
    for node in cluster.nodes.values():
        async with calling(node.url) as orthanc:
            study = await orthanc.upload()
            ids += [await orthanc.archive(study) for _ in range(15)]
    return ids


async def listed_by_all(cluster: Cluster, ids: list[str]) -> None:
    for replica in cluster.replicas.values():
        async with calling(replica.public_url) as caller:

            async def complete(caller: Caller = caller) -> bool:
                return set(ids) <= set(await caller.json("/jobs?status=Success"))

            await eventually(complete)


async def test_a_killed_replica_takes_nothing_with_it(start) -> None:
    async with start(Plan(nodes=2, replicas=2)) as cluster, calling(f"{cluster.nginx.url}/orthanc") as front:
        ids = await some_jobs(cluster)
        await listed_by_all(cluster, ids)
        await cluster.replicas["replica-1"].process.kill()
        for _ in range(20):
            assert set(ids) <= set(await front.json("/jobs"))
        more = await some_jobs(cluster)
        await cluster.replicas["replica-1"].process.start()
        await listed_by_all(cluster, ids + more)


async def watch(caller: Caller, ids: set[str], stop: asyncio.Event) -> set[str]:
    """Ask for the list again and again; the ids that any answer lacked, and every tag that came."""
    missing: set[str] = set()
    while not stop.is_set():
        missing |= ids - set(await caller.json("/jobs"))
    return missing


async def test_an_emptied_redis_shortens_no_list_and_is_filled_again(start) -> None:
    async with (
        start(Plan(nodes=3, replicas=2, nginx=False)) as cluster,
        calling(cluster.replicas["replica-1"].public_url) as one,
        calling(cluster.replicas["replica-2"].public_url) as two,
    ):
        ids = await some_jobs(cluster)
        await listed_by_all(cluster, ids)
        tag = (await one.ask("GET", "/jobs?expand"))[2]["ETag"]
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(watch(caller, set(ids), over)) for caller in (one, two)]
            await cluster.redis.process.restart()
            await eventually(lambda: has_other_epoch(one, tag), within=15)
            await eventually(lambda: has_other_epoch(two, tag), within=15)
            over.set()
        assert [task.result() for task in watching] == [set(), set()]
        assert (await one.ask("GET", "/jobs?expand", headers={"If-None-Match": tag}))[0] == 200
        await cluster.replicas["replica-2"].process.restart()
        await listed_by_all(cluster, ids)


async def has_other_epoch(caller: Caller, tag: str) -> bool:
    status, _, headers = await caller.ask("GET", "/jobs?expand")
    return status == 200 and "X-Job-Index" not in headers and headers["ETag"].split("-")[0] != tag.split("-")[0]


async def test_jobs_of_a_killed_orthanc_are_marked_and_end_as_lost_when_it_returns_without_them(start) -> None:
    plan = Plan(nodes=3, replicas=2, nginx=False, options={"SaveJobs": False})
    async with (
        start(plan) as cluster,
        calling(cluster.nodes["orthanc-b"].url) as orthanc,
        calling(cluster.nodes["orthanc-a"].url) as other,
        calling(cluster.replicas["replica-2"].public_url) as caller,
    ):
        job = await orthanc.anonymize(await orthanc.upload(instances=400), priority=-1)
        await orthanc.ask("POST", f"/jobs/{job}/pause")

        async def is_listed() -> bool:
            listed = by_id(await caller.json("/jobs?expand"))
            return job in listed and listed[job]["State"] == "Paused"

        await eventually(is_listed)
        waiting = asyncio.create_task(finished(caller, job, within=60))
        await cluster.nodes["orthanc-b"].process.kill()

        async def is_late() -> bool:
            told = by_id(await caller.json("/jobs?expand"))[job]["JobIndex"]
            return told["NodeState"] == "Late" and "LastSeen" in told

        await eventually(is_late, within=16)
        assert (await caller.ask("POST", f"/jobs/{job}/cancel"))[0] == 500
        archive = await other.archive(await other.upload())
        assert (await finished(caller, archive))["State"] == "Success"
        await cluster.nodes["orthanc-b"].process.start()
        ended = await waiting
        assert ended["State"] == "Failure"
        assert ended["JobIndex"]["Lost"] is True
        assert ended["ErrorDetails"].startswith("Lost: ")
