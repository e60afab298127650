"""What every benchmark stands on: Redis, replicas and a real Orthanc that says who may, and jobs in the index."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import orjson

from jobindex.demo.cluster import Cluster, NotStarted, Plan, running
from jobindex.demo.probes import until
from jobindex.errors import IndexAway
from jobindex.model.moment import moment
from jobindex.store import Store, opened
from jobindex.store.jobs import Stored

from .seed import INCARNATION, seed

LOGIN = {"Authorization": aiohttp.encode_basic_auth("demo", "demo")}
PATIENT = {"JOBINDEX_BEAT": "3600"}
"""No seeded node is late while a benchmark runs."""
NOBODY = "http://127.0.0.1:9"


@dataclass
class Stage:
    """A cluster, the store that all of it shares, and the unfinished ones of its seeded jobs."""

    cluster: Cluster
    store: Store
    running: list[Stored]

    @property
    def node_url(self) -> str:
        return self.cluster.nodes["orthanc-a"].url

    def replica(self, number: int = 1) -> str:
        return self.cluster.replicas[f"replica-{number}"].public_url

    def pid(self, number: int = 1) -> int:
        return self.cluster.replicas[f"replica-{number}"].process.pid

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of an answer that must be 200."""
        async with (
            aiohttp.ClientSession(headers={**LOGIN, "Accept-Encoding": "identity", **(headers or {})}) as session,
            session.get(url) as response,
        ):
            response.raise_for_status()
            return response.headers, await response.read()


@asynccontextmanager
async def stage(
    *, nodes: int = 10, each: int = 300, replicas: int = 1, orthancs: int = 1, **plan: Any
) -> AsyncIterator[Stage]:
    """`nodes` seeded ones with `each` jobs, beside Orthancs; entered when every replica shows all."""
    plan["settings"] = PATIENT | plan.get("settings", {})
    plan.setdefault("nginx", False)
    async with running(Plan(nodes=orthancs, replicas=replicas, **plan)) as cluster, opened(cluster.redis.url) as store:
        found = await seed(store, nodes, each, cluster.nodes["orthanc-a"].url, random.Random(1)) if nodes else []
        stage = Stage(cluster, store, found)
        for number in range(1, replicas + 1):
            await stage.get(stage.replica(number) + "/jobs")
        yield stage


@asynccontextmanager
async def churning(stage: Stage, rate: int, batch: int = 10) -> AsyncIterator[None]:
    """As long as this lasts, so many jobs a second move on, written as another replica would, `batch` in one report."""
    if not rate:
        yield
        return
    task = asyncio.create_task(_churn(stage.store, stage.running, rate, batch), name="churn")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _churn(store: Store, jobs: Sequence[Stored], rate: int, batch: int) -> None:
    by_node: dict[str, list[Stored]] = {}
    for job in jobs:
        by_node.setdefault(job.record.node, []).append(job)
    turns = [part[start : start + batch] for part in by_node.values() for start in range(0, len(part), batch)]
    due, turn = time.monotonic(), 0
    while True:
        part = turns[turn % len(turns)]
        progress = random.randrange(100)  # a turn may have a period, and a job that says the same is no change
        with suppress(IndexAway):  # on a busy machine Redis may be late; the next round says it again
            await store.jobs.put(part[0].record.node, INCARNATION, [moved(job, progress) for job in part])
        turn += 1
        due += len(part) / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))


def moved(job: Stored, progress: int) -> Stored:
    """The same job a moment later."""
    now = moment(time.time())
    members = orjson.loads(job.text) | {"Progress": progress, "Timestamp": now}
    text = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    return replace(job, text=text, record=replace(job.record, stamp=now), progress=progress)


async def fill_orthanc(stage: Stage, jobs: int) -> None:
    """Let the real Orthanc run so many short jobs; its history must hold them.  Returns when the list shows all."""
    async with aiohttp.ClientSession(headers=LOGIN) as session:

        async def run(count: int) -> None:
            for _ in range(count):
                async with session.post(f"{stage.node_url}/tools/bulk-modify", json=SHORT_JOB) as response:
                    response.raise_for_status()

        await asyncio.gather(*(run(jobs // 8) for _ in range(8)))

    async def shown() -> bool:
        return len(orjson.loads((await stage.get(stage.replica() + "/jobs?status=Success"))[1])) >= jobs // 8 * 8

    if not await until(shown, 60.0):
        raise NotStarted("the replica does not list what its Orthanc ran")


SHORT_JOB = {"Resources": [], "Level": "Study", "Asynchronous": True, "Replace": {"PatientID": "nobody"}, "Force": True}
