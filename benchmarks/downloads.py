"""An output through a replica and straight from its owner, by turns; the owner is nginx, since Orthanc is slower."""

import asyncio
import random
import shutil
import time

from .processor import forget_peak, resident
from .results import Chapter, Table, median
from .seed import word, write
from .stage import Stage, stage
from .static import serving

MB = 1_000_000


async def measure(chapter: Chapter, *, full: bool) -> None:
    table = chapter.table(
        "Downloads",
        *("streams", "MB each", "straight MB/s", "through us MB/s", "ratio", "replica MB before", "replica MB at most"),
        note="curl to /dev/null; medians of the rounds.",
    )
    async with stage(nodes=0) as place, serving(place.cluster.folder, {}) as owner:
        job = word(random.Random(5), "files", "Success")
        await write(place.store, "files", owner, [job])
        files = next(place.cluster.folder.glob("static-*")) / "files"
        folder = files / "jobs" / job.id
        folder.mkdir(parents=True)
        for streams, size in ((1, 2000 if full else 1000), (8, 500 if full else 100)):
            with (folder / "archive").open("wb") as file:
                file.truncate(size * MB)
            await _compare(table, place, f"{owner}/jobs/{job.id}/archive", f"/jobs/{job.id}/archive", streams, size)


async def _compare(table: Table, place: Stage, straight: str, path: str, streams: int, size: int) -> None:
    before = resident(place.pid()) / MB
    forget_peak(place.pid())
    rates: dict[str, list[float]] = {straight: [], place.replica() + path: []}
    for _ in range(3):
        for url, found in rates.items():
            began = time.monotonic()
            await asyncio.gather(*(_fetch(url) for _ in range(streams)))
            found.append(streams * size / (time.monotonic() - began))
    own, ours = (median(each) for each in rates.values())
    table.add(streams, size, own, ours, ours / own, before, resident(place.pid(), "VmHWM") / MB)


async def _fetch(url: str) -> None:
    command = (shutil.which("curl") or "curl", "-sf", "-u", "demo:demo", "-o", "/dev/null", url)
    child = await asyncio.create_subprocess_exec(*command)
    if await child.wait():
        raise RuntimeError(f"{url} could not be fetched")
