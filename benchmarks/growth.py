"""How costs grow: with the jobs of the index, and with the nodes among which the same jobs are."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import log

from redis.asyncio import Redis

from .load import load
from .plot import Line
from .processor import processor_time
from .results import Chapter
from .stage import LOGIN, Stage, churning, stage

PAGE = "/jobs?expand&limit=100"
SECONDS = 2.0
RATE = 200
"""Changes a second while the cost of one is measured."""


@dataclass
class Curve:
    """Microseconds of processor time at each size."""

    name: str
    measure: Callable[[Stage], Awaitable[float]]
    points: list[tuple[float, float]] = field(default_factory=list)

    @property
    def exponent(self) -> float:
        """Of the power of the size by which it grows: 0 not at all, 1 in proportion."""
        return statistics.linear_regression([log(x) for x, _ in self.points], [log(y) for _, y in self.points]).slope


async def measure(chapter: Chapter, *, full: bool) -> None:
    by_jobs = [(10, jobs // 10) for jobs in ((100, 1_000, 10_000, 100_000) if full else (100, 1_000, 10_000))]
    by_nodes = [(nodes, 3_000 // nodes) for nodes in (10, 100, 1_000)]
    await _grow(chapter, "jobs", by_jobs, lambda nodes, each: nodes * each)
    await _grow(chapter, "nodes", by_nodes, lambda nodes, each: nodes)


async def _grow(chapter: Chapter, what: str, sizes: list[tuple[int, int]], size: Callable[[int, int], int]) -> None:
    curves = [
        Curve("list, unchanged (304)", _unchanged),
        Curve("page of 100", _page),
        Curve("whole list", _whole),
        Curve("change, replica", _change),
        Curve("change, Redis", _change_in_redis),
    ]
    for nodes, each in sizes:
        async with stage(nodes=nodes, each=each) as place:
            for curve in curves:
                curve.points.append((size(nodes, each), await curve.measure(place)))
    columns = [f"{x:,.0f} {what}" for x, _ in curves[0].points]
    table = chapter.table(
        f"Processor time by the number of {what}, us",
        *("what", *columns, "grows with the power"),
        note="One replica, 16 clients; a change is one of 200 a second.",
    )
    for curve in curves:
        table.add(curve.name, *(y for _, y in curve.points), curve.exponent)
    chapter.plot(f"by-{what}", [Line(curve.name, curve.points) for curve in curves], what, "us of processor time")


async def _cost(place: Stage, path: str, headers: dict[str, str]) -> float:
    before = processor_time(place.pid())
    found = await load(place.replica() + path, clients=16, seconds=SECONDS, headers=headers)
    return 1e6 * (processor_time(place.pid()) - before) / (found.rate * SECONDS)


async def _unchanged(place: Stage) -> float:
    headers, _ = await place.get(f"{place.replica()}/jobs?expand")
    return await _cost(place, "/jobs?expand", {**LOGIN, "If-None-Match": headers["ETag"]})


async def _page(place: Stage) -> float:
    return await _cost(place, PAGE, LOGIN)


async def _whole(place: Stage) -> float:
    return await _cost(place, "/jobs?expand", LOGIN)


async def _change(place: Stage) -> float:
    return await _cost_of_change(place, place.pid())


async def _change_in_redis(place: Stage) -> float:
    return await _cost_of_change(place, place.cluster.redis.process.pid)


async def _cost_of_change(place: Stage, pid: int) -> float:
    async with Redis.from_url(place.cluster.redis.url) as redis, churning(place, RATE):
        before, first = processor_time(pid), int(await redis.get("{jobindex}:version"))
        await asyncio.sleep(2 * SECONDS)
        return 1e6 * (processor_time(pid) - before) / max(1, int(await redis.get("{jobindex}:version")) - first)
