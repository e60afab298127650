"""One job read, and one action, through a replica and straight at the owner, by turns."""

import statistics
import time

import aiohttp

from jobindex.demo.dicom import make_study
from jobindex.demo.probes import until
from jobindex.demo.process import NotStarted
from jobindex.demo.slow_peer import slow_peer

from .results import Chapter, Table
from .stage import LOGIN, Stage, stage

TIMES = 300
ACTIONS = 60


async def measure(chapter: Chapter, *, full: bool) -> None:
    table = chapter.table(
        "One job and one action, milliseconds",
        *("what", "times", "owner p50", "owner p95", "through us p50", "through us p95", "added p50", "added p95"),
        note="Added is the difference of the percentiles; a real Orthanc, one caller, one connection to each.  "
        "Who is paused or resumed twice in a row is told so (400), by the same way.",
    )
    async with slow_peer() as peer, stage(nodes=0, peers={"slow": peer}) as place:
        job = await _running_job(place)
        async with aiohttp.ClientSession(headers=LOGIN) as session:
            await _compare(table, session, place, "GET a job", [("GET", f"/jobs/{job}")], TIMES * (5 if full else 1))
            actions = [("POST", f"/jobs/{job}/pause"), ("POST", f"/jobs/{job}/resume")]
            await _compare(table, session, place, "pause, resume", actions, ACTIONS * (5 if full else 1))


async def _running_job(place: Stage) -> str:
    async with aiohttp.ClientSession(headers=LOGIN) as session:
        told = {}
        for file in make_study("benchmark", 300, 2_000):
            async with session.post(f"{place.node_url}/instances", data=file) as response:
                told = await response.json()
        order = {"Resources": [told["ParentStudy"]], "Asynchronous": True}
        async with session.post(f"{place.node_url}/peers/slow/store", json=order) as response:
            job = str((await response.json())["ID"])

    async def listed() -> bool:
        return job.encode() in (await place.get(f"{place.replica()}/jobs"))[1]

    if not await until(listed, 10.0):
        raise NotStarted("the replica does not list the job")
    return job


async def _compare(
    table: Table,
    session: aiohttp.ClientSession,
    place: Stage,
    what: str,
    requests: list[tuple[str, str]],
    times: int,
) -> None:
    took: dict[str, list[float]] = {place.node_url: [], place.replica(): []}
    for _ in range(times):
        for url, found in took.items():
            for method, path in requests:
                began = time.perf_counter()
                async with session.request(method, url + path) as response:
                    await response.read()
                    if response.status not in (200, 400):
                        raise RuntimeError(f"{method} {path} was answered {response.status}")
                found.append(1000 * (time.perf_counter() - began))
    owner, ours = (statistics.quantiles(each, n=100) for each in took.values())
    table.add(what, times, owner[49], owner[94], ours[49], ours[94], ours[49] - owner[49], ours[94] - owner[94])
