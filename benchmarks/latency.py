"""How long after its end a job is in the list of another replica, while Orthancs run jobs as fast as they can.

python benchmarks/latency.py [--jobs 3000] [--history 10]
"""

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "integration"))

from caller import Caller, calling, eventually
from test_no_job_lost import all_have_ended, submit

from jobindex.demo.cluster import Plan, running
from jobindex.demo.slow_peer import slow_peer
from jobindex.model.moment import seconds_of


async def watch(replica: Caller, seen: dict[str, float], over: asyncio.Event) -> None:
    """When each id was first in the list of finished jobs."""
    while not over.is_set():
        for job_id in await replica.json("/jobs?status=Success"):
            seen.setdefault(job_id, time.time())
        await asyncio.sleep(0.01)


async def measure(jobs: int, history: int) -> None:
    async with (
        running(Plan(nodes=3, replicas=2, nginx=False, history=history)) as cluster,
        calling(cluster.nodes["orthanc-a"].url) as a,
        calling(cluster.nodes["orthanc-b"].url) as b,
        calling(cluster.nodes["orthanc-c"].url) as c,
        calling(cluster.replicas["replica-2"].public_url) as other,
        asyncio.TaskGroup() as tasks,
    ):
        seen: dict[str, float] = {}
        over = asyncio.Event()
        tasks.create_task(watch(other, seen, over))
        began = time.time()
        ids = await submit([a, b, c], jobs)
        took = time.time() - began
        await eventually(lambda: all_have_ended(other, ids), within=30)
        over.set()
        listed = await other.json("/jobs?expand")
    delays = sorted(1000 * (seen[job["ID"]] - seconds_of(job["CompletionTime"])) for job in listed if job["ID"] in seen)
    cuts = statistics.quantiles(delays, n=100)
    forgotten = sum(bool(job["JobIndex"].get("Forgotten")) for job in listed)
    print(
        f"history {history}: {len(ids)} jobs at {len(ids) / took:.0f}/s; end to list of another replica: "
        f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, longest {delays[-1]:.0f} ms; forgotten {forgotten}"
    )


async def measure_progress(seconds: float) -> None:
    """How old the list's word on a running job is, asked again and again."""
    ages: list[float] = []
    async with (
        slow_peer() as slow,
        running(Plan(nodes=2, replicas=2, nginx=False, peers={"slow": slow})) as cluster,
        calling(cluster.nodes["orthanc-a"].url) as orthanc,
        calling(cluster.replicas["replica-2"].public_url) as replica,
    ):
        job = await orthanc.send("slow", await orthanc.upload(instances=300))
        await eventually(lambda: replica.json("/jobs?status=Running"))
        until = time.time() + seconds
        while time.time() < until:
            for each in await replica.json("/jobs?expand&status=Running"):
                ages.append(time.time() - seconds_of(each["Timestamp"]))
            await asyncio.sleep(0.02)
        await orthanc.ask("POST", f"/jobs/{job}/cancel")
    print(f"word on a running job in the list: median {statistics.median(ages):.2f} s old, oldest {max(ages):.2f} s")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=3000)
    arguments.add_argument("--history", type=int, nargs="*", default=[10, 5000])
    chosen = arguments.parse_args()
    asyncio.run(measure_progress(20.0))
    for length in chosen.history:
        asyncio.run(measure(chosen.jobs, length))
