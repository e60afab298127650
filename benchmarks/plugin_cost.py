"""What a job costs its Orthanc: processor time of two Orthancs over the same jobs, one with the plugin, one without.

python benchmarks/plugin_cost.py [--jobs 1000] [--rounds 3]
"""

import argparse
import asyncio
import os
import statistics
import sys
from contextlib import AsyncExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "integration"))

from caller import calling, eventually
from test_no_job_lost import submit

from jobindex.demo.cluster import Cluster, Plan, running


def processor_time(pid: int) -> float:
    """Seconds of user and system time of a process and its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", maxsplit=1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def cost(cluster: Cluster, jobs: int) -> float:
    """Milliseconds of processor time for each job."""
    node = cluster.nodes["orthanc-a"]
    async with calling(node.url) as orthanc:
        before = processor_time(node.process.pid)
        ids = await submit([orthanc], jobs)

        async def idle() -> bool:
            return all(job["State"] == "Success" for job in await orthanc.json("/jobs?expand"))

        await eventually(idle)
        await asyncio.sleep(1.0)  # what is told afterwards counts too
        return 1000 * (processor_time(node.process.pid) - before) / len(ids)


async def measure(jobs: int, rounds: int, history: int) -> None:
    async with AsyncExitStack() as stack:
        plan = {"nodes": 1, "nginx": False, "history": history}
        with_plugin = await stack.enter_async_context(running(Plan(replicas=1, **plan)))
        without = await stack.enter_async_context(running(Plan(replicas=0, plugin=False, **plan)))
        pairs = [(await cost(with_plugin, jobs), await cost(without, jobs)) for _ in range(rounds)]
    more = statistics.median(with_it - without_it for with_it, without_it in pairs)
    print(f"history {history}, {jobs} jobs, {rounds} rounds: " + ", ".join(f"{a:.2f}/{b:.2f}" for a, b in pairs))
    print(f"a job costs its Orthanc {more:.2f} ms of processor time more with the plugin (median)")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--history", type=int, default=10)
    chosen = arguments.parse_args()
    asyncio.run(measure(chosen.jobs, chosen.rounds, chosen.history))
