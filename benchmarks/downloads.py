"""An output through a replica and straight from its owner, by turns, and what a list waits for meanwhile.

The owner is a real Orthanc, which reads the whole archive before it sends; and nginx, the limit.
"""

import asyncio
import os
import random
import shutil
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from jobindex.demo.dicom import make_study
from jobindex.demo.probes import until
from jobindex.demo.process import NotStarted

from .processor import forget_peak, processor_time, resident
from .results import Chapter, Table, median
from .seed import word, write
from .stage import LOGIN, Stage, stage
from .static import serving

MB = 1_000_000
ROUNDS = 4
PAUSE = 0.5
"""Seconds in which Orthanc gives the memory of an archive back, before the next is begun."""
PAGE = "/jobs?expand&limit=100"
LISTS = 300
POLL = 0.01
"""Seconds from a list to the next question."""


@dataclass(frozen=True)
class Source:
    """An output at its owner's address and at ours."""

    owner: str
    straight: str
    through: str


async def measure(chapter: Chapter, *, full: bool) -> None:
    table = chapter.table(
        "Downloads",
        *("owner", "streams", "MB each", "straight MB/s", "through us MB/s", "ratio", "replica s a GB"),
        *("replica MB before", "replica MB at most"),
        note="curl to /dev/null; medians of the rounds; the processor time is that of all threads of the replica.",
    )
    lists = chapter.table(
        "The first page of 100 while others download",
        *("downloads", "p50 ms", "p99 ms"),
        note=f"One client, asking {1000 * POLL:.0f} ms after each answer; eight downloads at a time, from nginx.",
    )
    async with stage(nodes=1) as place, serving(place.cluster.folder, {}) as nginx:
        await _compare(table, place, await _archive(place), 1, 1000)
        for streams, size in ((1, 2000 if full else 1000), (8, 500 if full else 100)):
            file = await _file(place, nginx, size)
            await _compare(table, place, file, streams, size)
        for what, url in (("none", ""), ("straight from the owner", file.straight), ("through us", file.through)):
            async with _downloading(url, 8):
                lists.add(what, *await _waited(place))


async def _file(place: Stage, nginx: str, size: int) -> Source:
    """A file of zeros, which is as if it were in memory."""
    job = word(random.Random(size), "files", "Success")
    await write(place.store, "files", nginx, [job])
    folder = next(place.cluster.folder.glob("static-*")) / "files" / "jobs" / job.id
    folder.mkdir(parents=True)
    with (folder / "archive").open("wb") as file:
        file.truncate(size * MB)
    return _source("nginx", place, nginx, job.id)


async def _archive(place: Stage) -> Source:
    """Ten files of noise, of 100 MB each, which Orthanc packs for half a minute."""
    connector = aiohttp.TCPConnector(force_close=True)  # noise takes longer than Orthanc keeps a connection
    async with aiohttp.ClientSession(place.node_url, headers=LOGIN, connector=connector) as session:
        studies = [await _upload(session, f"noise-{number}") for number in range(10)]
        order = {"Resources": studies, "Asynchronous": True}
        async with session.post("/tools/create-archive", json=order) as response:
            job = str((await response.json())["ID"])

    async def ended() -> bool:
        return job.encode() in (await place.get(f"{place.replica()}/jobs?status=Success"))[1]

    if not await until(ended, 120.0):
        raise NotStarted("Orthanc does not end its archive")
    return _source("orthanc", place, place.node_url, job)


async def _upload(session: aiohttp.ClientSession, patient: str) -> str:
    (file,) = make_study(patient, 1, 100 * MB)
    noise = 99 * MB
    async with session.post("/instances", data=file[:-noise] + os.urandom(noise)) as response:
        return str((await response.json())["ParentStudy"])


def _source(owner: str, place: Stage, url: str, job: str) -> Source:
    path = f"/jobs/{job}/archive"
    return Source(owner, url + path, place.replica() + path)


async def _compare(table: Table, place: Stage, source: Source, streams: int, size: int) -> None:
    before = resident(place.pid()) / MB
    forget_peak(place.pid())
    rates: dict[str, list[float]] = {source.straight: [], source.through: []}
    busy = processor_time(place.pid())
    for number in range(ROUNDS):
        for url in reversed(rates) if number % 2 else rates:
            await asyncio.sleep(PAUSE)
            began = time.monotonic()
            await asyncio.gather(*(_fetch(url) for _ in range(streams)))
            rates[url].append(streams * size / (time.monotonic() - began))
    busy = (processor_time(place.pid()) - busy) / (ROUNDS * streams * size / 1000)
    own, ours = (median(each) for each in rates.values())
    peak = resident(place.pid(), "VmHWM") / MB
    table.add(source.owner, streams, size, own, ours, ours / own, busy, before, peak)


@asynccontextmanager
async def _downloading(url: str, streams: int) -> AsyncIterator[None]:
    """As long as this lasts, so many at once; none without an address."""

    over = asyncio.Event()

    async def again() -> None:
        while not over.is_set():
            await _fetch(url)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(streams if url else 0):
            tasks.create_task(again())
        yield
        over.set()


async def _waited(place: Stage) -> tuple[float, float]:
    """The median and the 99th percentile of an answer's milliseconds."""
    took = []
    async with aiohttp.ClientSession(place.replica(), headers=LOGIN) as session:
        for _ in range(LISTS):
            began = time.perf_counter()
            async with session.get(PAGE) as response:
                response.raise_for_status()
                await response.read()
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(POLL)
    cuts = statistics.quantiles(took, n=100)
    return cuts[49], cuts[98]


async def _fetch(url: str) -> None:
    command = (shutil.which("curl") or "curl", "-sf", "-u", "demo:demo", "-o", "/dev/null", url)
    child = await asyncio.create_subprocess_exec(*command)
    if await child.wait():
        raise RuntimeError(f"{url} could not be fetched")
