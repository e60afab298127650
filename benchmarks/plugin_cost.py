"""What the plugin costs its Orthanc: processor time of two Orthancs under the same load, one without the plugin.

python benchmarks/plugin_cost.py [--jobs 1000] [--rounds 3] [--unfinished 2000] [--plugin FILE]

The Orthanc is this machine's, or that of the root that JOBINDEX_TEST_ROOT names; rows with TLS need a folder of
libraries with which that Orthanc's own HTTPS works, in JOBINDEX_TEST_TLS_LIBRARIES.
"""

import argparse
import asyncio
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.plugin.scripted_service import ScriptedService
from tests.plugin.test_real_orthanc import PLUGIN, TLS_LIBRARIES, Real, running, submit, trusting, upload
from tests.unit.orthanc.authority import Authority

from benchmarks.processor import processor_time
from jobindex.demo.probes import until

WATCHED_S = 20.0  # seconds of idleness, or of unfinished jobs, that are looked at
STARTED_S = 3.0  # seconds after which nothing is left of a start
PROMISES = {"a job": "1 ms", "idle": "0.2 %", "unfinished": "5 %"}


@asynccontextmanager
async def silent_peer() -> AsyncIterator[str]:
    """A peer that takes connections and never answers: a job that sends to it goes on."""
    server = await asyncio.start_server(lambda reader, _: reader.read(), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


@dataclass
class Pair:
    """An Orthanc with the plugin, and one without."""

    with_it: Real
    without: Real

    @property
    def both(self) -> tuple[Real, Real]:
        return self.with_it, self.without


@asynccontextmanager
async def paired(plugin: Path, peer: str, **options: Any) -> AsyncIterator[Pair]:
    with tempfile.TemporaryDirectory(prefix="jobindex-cost-") as name:
        folder, service, more = Path(name), ScriptedService(), {}
        if options.pop("tls", False):
            more = secured(folder)
        told = {"PythonScript": str(plugin), "ConcurrentJobs": 1, "OrthancPeers": {"slow": [peer]}, **options}
        try:
            async with (
                running(folder / "with", service, **told, **more) as with_it,
                running(folder / "without", None, **{**told, "PythonScript": ""}, **more) as without,
            ):
                await asyncio.sleep(STARTED_S)  # a start costs what it costs
                yield Pair(with_it, without)
        finally:
            service.stop()


def secured(folder: Path) -> dict[str, Any]:
    authority = Authority(folder)
    client: ssl.SSLContext = trusting(authority, shown=False)
    return {"SslEnabled": True, "SslCertificate": str(authority.certificate("127.0.0.1")), "client": client}


async def job_cost(real: Real, jobs: int) -> float:
    """Milliseconds of processor time for each short job, from its submission until all is told."""
    study = await upload(real)
    before = processor_time(real.process.pid)
    for _ in range(jobs):
        await submit(real, study)
    await until(lambda: all_ended(real), within=60.0)
    await asyncio.sleep(1.0)  # what is told afterwards counts too
    return 1000 * (processor_time(real.process.pid) - before) / jobs


async def all_ended(real: Real) -> bool:
    async with real.session.get("/jobs?expand") as answer:
        return all(job["State"] in ("Success", "Failure") for job in await answer.json(content_type=None))


async def share(real: Real) -> float:
    """Hundredths of a core while nobody asks anything."""
    before, began = processor_time(real.process.pid), time.monotonic()
    await asyncio.sleep(WATCHED_S)
    return 100 * (processor_time(real.process.pid) - before) / (time.monotonic() - began)


async def wait_in_line(real: Real, jobs: int) -> None:
    """A job that takes long, and so many that wait behind it."""
    study = await upload(real)
    async with real.session.post("/peers/slow/store", json={"Resources": [study], "Asynchronous": True}):
        pass
    for _ in range(jobs):
        await submit(real, study)
    await asyncio.sleep(STARTED_S)


async def measure(plugin: Path, jobs: int, rounds: int, waiting: int, **options: Any) -> list[tuple[str, str]]:
    async with silent_peer() as peer, paired(plugin, peer, **options) as pair:
        idle = await asyncio.gather(*map(share, pair.both))
        costs = [[await job_cost(real, jobs) for real in pair.both] for _ in range(rounds)]
        await asyncio.gather(*(wait_in_line(real, waiting) for real in pair.both))
        busy = await asyncio.gather(*map(share, pair.both))
    return [
        ("idle", f"{idle[0] - idle[1]:.2f} %"),
        ("a job", f"{statistics.median(with_it - without for with_it, without in costs):.2f} ms"),
        ("unfinished", f"{busy[0] - busy[1]:.2f} %"),
    ]


async def report(plugin: Path, jobs: int, rounds: int, waiting: int) -> None:
    rows: dict[str, dict[str, Any]] = {"KeepAlive": {}, "no KeepAlive": {"KeepAlive": False}}
    if TLS_LIBRARIES:
        rows |= {"TLS": {"tls": True}, "TLS, no KeepAlive": {"tls": True, "KeepAlive": False}}
    print(f"| way | idle node | a short job | {waiting:,} unfinished jobs |\n| --- | --- | --- | --- |")
    print(f"| promised | {' | '.join(PROMISES[what] for what in ('idle', 'a job', 'unfinished'))} |")
    for name, options in rows.items():
        figures = dict(await measure(plugin, jobs, rounds, waiting, **options))
        print(f"| {name} | {figures['idle']} | {figures['a job']} | {figures['unfinished']} |", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--unfinished", type=int, default=2000)
    arguments.add_argument("--plugin", type=Path, default=PLUGIN)
    chosen = arguments.parse_args()
    asyncio.run(report(chosen.plugin, chosen.jobs, chosen.rounds, chosen.unfinished))
