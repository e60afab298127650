"""A thousand nodes: memory, start-up, pages, idling, and how an emptied Redis is filled again."""

import asyncio
import time

from redis.asyncio import Redis

from jobindex.demo.probes import until
from jobindex.demo.replica import Replica

from .lists import COLUMNS, Subject, by_turns, tell
from .load import load
from .processor import processor_time, resident
from .results import Chapter, Table
from .stage import LOGIN, Stage, stage
from .static import serving

MB = 1_000_000
NODES = 1000
PAGE = "/jobs?expand&limit=100&since=0"
PAUSE = 3.0
"""Seconds after which a page asks again."""
WHOLE = (
    "`file` is nginx (one worker, sendfile, no log) sending the same bytes: asked for again at once, both are bound by "
    "how fast memory is copied."
)


async def measure(chapter: Chapter, *, full: bool) -> None:
    await idling(chapter)
    memory = chapter.table(
        f"{NODES:,} nodes",
        *("jobs", "redis B a job", "replica MB", "replica B a job", "start-up s", "most MB while starting"),
    )
    pages = chapter.table("Its pages, 16 clients", "jobs", "what", "answers/s", "p50 ms", "p99 ms")
    emptied = chapter.table(
        "FLUSHALL",
        *("jobs", "list whole again s", "redis whole again s", "shortest list meanwhile"),
        *("replica follows again s", "replica busy s", "redis busy s"),
        note="How long the parts are busy is counted until the replica follows the new index.",
    )
    for each in (100, 1000) if full else (100,):
        async with stage(nodes=NODES, each=each) as place:
            await _memory(memory, place, NODES * each)
            for what, path in (("first page", PAGE), ("ids of the first page", "/jobs?limit=100")):
                found = await load(place.replica() + path, clients=16, seconds=3, headers=LOGIN)
                pages.add(NODES * each, what, found.rate, found.p50, found.p99)
            if each == 100:
                await _whole(chapter, place, NODES * each)
            await _empty(emptied, place, NODES * each)


async def _whole(chapter: Chapter, place: Stage, jobs: int) -> None:
    """The list of all ids, some megabytes: asked for again at once, and as pages ask."""
    table = chapter.table(f"All ids of {jobs:,} jobs", *COLUMNS, note=WHOLE)
    url = place.replica() + "/jobs"
    headers, body = await place.get(url)
    same = {**LOGIN, "If-None-Match": headers["ETag"]}
    async with serving(place.cluster.folder, {"list": body, "small": b"x" * 1024}) as static:
        for pause, seconds in ((0.0, 2.0), (PAUSE, 9.0)):
            told = f", every {pause:.0f} s" if pause else ", again at once"
            for what, headers, name, file in (
                ("ids", LOGIN, "file", "list"),
                ("ids, If-None-Match", same, "1 KB file", "small"),
            ):
                ours = Subject("ids", url, headers, pause=pause)
                other = Subject(name, f"{static}/{file}", pause=pause)
                await by_turns([ours, other], 16, seconds=seconds)
                tell(table, what + told, 16, 0, ours, [other])


async def _memory(table: Table, place: Stage, jobs: int) -> None:
    async with Redis.from_url(place.cluster.redis.url) as redis:
        used = (await redis.info("memory"))["used_memory"] / jobs
    replica: Replica = place.cluster.replicas["replica-1"]
    await replica.process.stop()
    began = time.monotonic()
    await replica.process.start(within=300.0)
    took = time.monotonic() - began
    await place.get(place.replica() + "/jobs?limit=1")
    held = resident(place.pid())
    table.add(jobs, used, held / MB, held / jobs, took, resident(place.pid(), "VmHWM") / MB)


async def _empty(table: Table, place: Stage, jobs: int) -> None:
    """All that the replica knew is written back by it; the nodes have nothing to say here."""
    pids = place.pid(), place.cluster.redis.process.pid
    whole, least, before = 0.0, jobs, [processor_time(pid) for pid in pids]
    epoch = await _epoch(place)
    async with Redis.from_url(place.cluster.redis.url) as redis:
        await redis.flushall(asynchronous=True)  # a gigabyte is not given back in a moment
        began = time.monotonic()
        while (held := await redis.hlen("{jobindex}:jobs")) < jobs and time.monotonic() - began < 300:
            shown = (await place.get(place.replica() + "/jobs"))[1].count(b",") + 1
            least = min(least, shown)
            if shown >= jobs:
                whole = whole or time.monotonic() - began
            await asyncio.sleep(jobs / 500_000)  # such a list is a burden itself
    took = time.monotonic() - began
    followed = await until(lambda: _follows_another(place, epoch), 60.0)
    follows = time.monotonic() - began if followed else "never"
    busy = [processor_time(pid) - was for pid, was in zip(pids, before, strict=True)]
    table.add(jobs, whole, took if held >= jobs else "never", least, follows, *busy)


async def _follows_another(place: Stage, epoch: str) -> bool:
    return await _epoch(place) != epoch


async def _epoch(place: Stage) -> str:
    """The index's life that the replica shows."""
    headers, _ = await place.get(place.replica() + "/jobs?limit=1")
    return headers["ETag"].rpartition("-")[0]


async def idling(chapter: Chapter, seconds: float = 15.0) -> None:
    """Simulated Orthancs with the plugin, that do nothing."""
    table = chapter.table("Idle: two replicas, ten nodes", "what", "% of a processor")
    async with stage(nodes=0, replicas=2, orthancs=10, simulated=True) as place:
        await asyncio.sleep(2.0)
        pids = {"replica 1": place.pid(1), "replica 2": place.pid(2), "redis": place.cluster.redis.process.pid}
        before = {name: processor_time(pid) for name, pid in pids.items()}
        await asyncio.sleep(seconds)
        for name, pid in pids.items():
            table.add(name, 100 * (processor_time(pid) - before[name]) / seconds)
