"""Submit, and list at once at another replica: how often the list lacks the job, and how long it takes."""

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from jobindex.demo.cluster import Cluster, NotStarted, Plan, running
from jobindex.demo.configuration import Seat
from jobindex.demo.dicom import make_study
from jobindex.demo.orthanc import build_real
from jobindex.demo.ports import LOOPBACK, free_port

from .results import Chapter, Table
from .stage import LOGIN, SHORT_JOB

TIMES = 1000
ALONE, APART_S = 150, 1.2
"""So many, each so long after the one before that nothing is known of that any more."""
SLOW_AT_ONCE = 25  # each holds one of an Orthanc's 50 threads for HTTP
SLOW_S = 3.0
MOVES_FROM = "MOVER"
EXACT = {"Cache-Control": "no-cache"}

Submit = Callable[[], Awaitable[Callable[[set[str]], bool]]]
"""Submits a job; the answer tells whether a list has it."""


async def measure(chapter: Chapter, *, full: bool) -> None:
    table = chapter.table(
        "A job that was submitted a moment ago, in a list asked for at another replica",
        *("submitted", "list", "times", "missing", "list p50 ms", "list p99 ms"),
        note=f"Real Orthancs and nginx.  Slow submissions, whose job comes into being after {SLOW_S:.0f} s, are "
        f"{SLOW_AT_ONCE} at a time; those alone are {APART_S} s apart, and the others follow each other.  "
        "*no-cache*, on one request, is what `JOBINDEX_ALWAYS_REFRESH` does for all.",
    )
    dicom = free_port()
    options = {
        "DicomServerEnabled": True,
        "DicomPort": dicom,
        "DicomAet": "ORTHANC",
        "SynchronousCMove": False,
        "DicomModalities": {"mover": [MOVES_FROM, LOOPBACK, 9]},
    }
    async with (
        running(Plan(nodes=1, replicas=2, options=options)) as cluster,
        aiohttp.ClientSession(headers=LOGIN) as session,
    ):
        front, node = _front(cluster), cluster.nodes["orthanc-a"].url
        await _one_by_one(table, session, cluster, "through nginx", _bulk(session, front), "default", {})
        await _one_by_one(
            table, session, cluster, "through nginx, alone", _bulk(session, front), "default", {}, ALONE, APART_S
        )
        await _slowly(table, session, cluster, front)
        await _one_by_one(table, session, cluster, "at the Orthanc", _bulk(session, node), "default", {})
        await _one_by_one(table, session, cluster, "at the Orthanc", _bulk(session, node), "no-cache", EXACT)
        async with _mover(cluster.folder, dicom) as mover:
            for how, headers in (("default", {}), ("no-cache", EXACT)):
                before = await _list(session, next(_replicas(cluster)), EXACT)
                move = await _moves(session, node, mover, before)
                await _one_by_one(table, session, cluster, "by C-MOVE", move, how, headers)


def _front(cluster: Cluster) -> str:
    if cluster.nginx is None:
        raise NotStarted("there is no nginx")
    return f"{cluster.nginx.url}/orthanc"


async def _one_by_one(
    table: Table,
    session: aiohttp.ClientSession,
    cluster: Cluster,
    what: str,
    submit: Submit,
    how: str,
    headers: dict[str, str],
    times: int = TIMES,
    apart: float = 0.0,
) -> None:
    missing, took, replicas = 0, list[float](), _replicas(cluster)
    for _ in range(times):
        await asyncio.sleep(apart)
        has_it = await submit()
        began = time.perf_counter()
        missing += not has_it(await _list(session, next(replicas), headers))
        took.append(1000 * (time.perf_counter() - began))
    _add(table, what, how, missing, took)


async def _slowly(table: Table, session: aiohttp.ClientSession, cluster: Cluster, front: str) -> None:
    took, replicas = list[float](), _replicas(cluster)
    async with aiohttp.ClientSession(headers=LOGIN, connector=aiohttp.TCPConnector(limit=0)) as slow:

        async def once(later: float) -> bool:
            await asyncio.sleep(later)
            has_it = await _bulk(slow, front, SLOW_S)()
            began = time.perf_counter()
            found = has_it(await _list(session, next(replicas), {}))
            took.append(1000 * (time.perf_counter() - began))
            return found

        missing = 0
        for _ in range(TIMES // SLOW_AT_ONCE):
            found = await asyncio.gather(*(once(number / SLOW_AT_ONCE) for number in range(SLOW_AT_ONCE)))
            missing += found.count(False)
    _add(table, f"through nginx, {SLOW_S:.0f} s", "default", missing, took)


def _add(table: Table, what: str, how: str, missing: int, took: list[float]) -> None:
    percentiles = statistics.quantiles(took, n=100)
    table.add(what, how, len(took), missing, percentiles[49], percentiles[98])


def _replicas(cluster: Cluster) -> Iterator[str]:
    return itertools.cycle([replica.public_url for replica in cluster.replicas.values()])


async def _list(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> set[str]:
    async with session.get(f"{url}/jobs", headers=headers) as response:
        response.raise_for_status()
        return set(await response.json())


def _bulk(session: aiohttp.ClientSession, url: str, pause: float = 0.0) -> Submit:
    """A short job; where there is a pause, the second half of its order comes after that."""

    async def body() -> AsyncIterator[bytes]:
        text = json.dumps(SHORT_JOB).encode()
        yield text[:20]
        await asyncio.sleep(pause)
        yield text[20:]

    async def submit() -> Callable[[set[str]], bool]:
        data = body() if pause else json.dumps(SHORT_JOB)
        async with session.post(f"{url}/tools/bulk-modify", data=data) as response:
            response.raise_for_status()
            job = (await response.json())["ID"]
        return lambda listed: job in listed

    return submit


@asynccontextmanager
async def _mover(folder: Path, dicom: int) -> AsyncIterator[str]:
    """An Orthanc outside the cluster, which has it move studies; its URL."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    seat = Seat("mover", folder / "mover", port, url, folder / "mover", {}, 10, (), folder / "secret", None)
    modalities = {"a": {"AET": "ORTHANC", "Host": LOOPBACK, "Port": dicom, "AllowMove": True}}
    node = build_real(seat, None, {"DicomAet": MOVES_FROM, "DicomModalities": modalities})
    await node.process.start()
    try:
        yield url
    finally:
        await node.process.stop()


async def _moves(session: aiohttp.ClientSession, node: str, mover: str, before: set[str]) -> Submit:
    """The Orthanc is asked by C-MOVE, and makes a job of sending what was asked for; nobody else submits meanwhile."""
    for file in make_study("moved", 1, 2_000):
        async with session.post(f"{node}/instances", data=file) as response:
            study = (await response.json())["ParentStudy"]
    async with session.get(f"{node}/studies/{study}") as response:
        uid = (await response.json())["MainDicomTags"]["StudyInstanceUID"]
    numbers = itertools.count(1)

    async def submit() -> Callable[[set[str]], bool]:
        order = {"Level": "STUDY", "Resources": [{"StudyInstanceUID": uid}], "TargetAet": MOVES_FROM}
        async with session.post(f"{mover}/modalities/a/move", json=order) as response:
            response.raise_for_status()
        expected = len(before) + next(numbers)
        return lambda listed: len(listed) >= expected

    return submit
