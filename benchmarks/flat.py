"""What a poll costs the event loop from 3,000 jobs to a million: a 304, pages, and ids, while jobs change and not."""

import asyncio

import aiohttp

from .load import load
from .processor import processor_time
from .results import Chapter, Table
from .stage import LOGIN, Stage, churning, stage

SIZES = (3_000, 100_000)
ALL_SIZES = (*SIZES, 1_000_000)
NODES = 10
SECONDS = 2.0
RATES = (0, 50)
"""Changes a second."""
PAGE = 100
NOTE = "One replica, 4 clients, which ask again at once; processor time of the replica for an answer, us."


async def measure(chapter: Chapter, *, full: bool) -> None:
    costs = chapter.table("A poll", *("jobs", "changes/s", "what", "us", "p50 ms", "p99 ms"), note=NOTE)
    others = chapter.table(
        "Others' pages while whole lists are fetched",
        *("jobs", "list", "MB", "s", "page p50 ms", "page p99 ms", "page at most ms"),
        note="One caller fetches the list, one asks for the first page of 100 each 5 ms.",
    )
    for jobs in ALL_SIZES if full else SIZES:
        async with stage(nodes=NODES, each=jobs // NODES) as place:
            for rate in RATES:
                async with churning(place, rate, batch=1):
                    await _costs(costs, place, jobs, rate)
            for path in ("/jobs", "/jobs?expand"):
                await _others(others, place, jobs, path)


async def _costs(table: Table, place: Stage, jobs: int, rate: int) -> None:
    running = len(place.running)
    for what, path in {
        "304, whole list": "/jobs?expand",
        "page": f"/jobs?expand&limit={PAGE}",
        "page at the end": f"/jobs?expand&limit={PAGE}&since={jobs - PAGE}",
        "page of a state": f"/jobs?expand&limit={PAGE}&status=Running,Pending",
        "page of a state, at the end": f"/jobs?expand&limit={PAGE}&status=Running,Pending&since={running - PAGE}",
        "ids of a page at the end": f"/jobs?limit={PAGE}&since={jobs - PAGE}",
    }.items():
        if rate and what.startswith("304"):
            continue  # it is another list each time
        headers = await _headers(place, path) if what.startswith("304") else LOGIN
        before = processor_time(place.pid())
        found = await load(place.replica() + path, clients=4, seconds=SECONDS, headers=headers)
        spent = processor_time(place.pid()) - before
        table.add(jobs, rate, what, 1e6 * spent / (found.rate * SECONDS), found.p50, found.p99)


async def _headers(place: Stage, path: str) -> dict[str, str]:
    async with aiohttp.ClientSession(headers=LOGIN) as session, session.get(place.replica() + path) as response:
        return {**LOGIN, "If-None-Match": response.headers["ETag"]}


async def _others(table: Table, place: Stage, jobs: int, path: str) -> None:
    """Each fetch is of a list that has just changed, so that it has to be made."""
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(headers=LOGIN) as session, churning(place, 50, batch=1):
        began = loop.time()
        whole = asyncio.create_task(_fetch(session, place.replica() + path))
        times: list[float] = []
        while not whole.done() or len(times) < 20:
            asked = loop.time()
            async with session.get(f"{place.replica()}/jobs?expand&limit={PAGE}") as response:
                response.raise_for_status()
                await response.read()
            times.append(1e3 * (loop.time() - asked))
            await asyncio.sleep(0.005)
        size, ended = await whole
    times.sort()
    table.add(jobs, path, size / 1e6, ended - began, times[len(times) // 2], times[len(times) * 99 // 100], times[-1])


async def _fetch(session: aiohttp.ClientSession, url: str) -> tuple[int, float]:
    """Bytes, and when the last of them came; they are not put together."""
    count = 0
    async with session.get(url, headers={"Accept-Encoding": "identity"}) as response:
        async for piece in response.content.iter_any():
            count += len(piece)
    return count, asyncio.get_running_loop().time()
