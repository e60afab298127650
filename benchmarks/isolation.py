"""Whether the index can hinder an Orthanc: its own REST answers and its stop, while the service misbehaves.

The same requests at the same pace, by turns to an Orthanc without the plugin and to ones whose service answers,
refuses, swallows, is slow, fails or leads elsewhere; each runs jobs meanwhile.

python benchmarks/isolation.py [--rounds 240] [--seconds 0.25] [--stops 5]
"""

import argparse
import asyncio
import http.client
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "integration"))

from bad_service import CASES, Service
from caller import calling, eventually

from jobindex.demo.checkout import JOBS_PLUGIN
from jobindex.demo.cluster import temporary_folder
from jobindex.demo.configuration import Seat
from jobindex.demo.orthanc import Node, build_real
from jobindex.demo.ports import LOOPBACK, free_ports

EVERY = 0.005  # seconds from request to request
JOB_EVERY = 0.05
SETTLED = 3.0  # seconds with a bad service before it is measured: more than a time-out
STOPS_WITHIN = 30.0
WITHOUT, CONTROL = "no plugin", "the same again"  # the second one's ratio is this machine's own noise
KNOCK_EVERY = 0.02
DRAWS = 200


@dataclass
class Subject:
    """An Orthanc and what it reports to, if it does; how long its answers took, ms, round by round."""

    name: str
    node: Node
    service: Service | None
    study: str = ""
    rounds: list[list[float]] = field(default_factory=list)

    async def start(self) -> None:
        """Start the Orthanc, let all be told, then let its service be as bad as it is to be."""
        if self.service:
            self.service.be_good()
        await self.node.process.start()
        if self.service:
            await eventually(self.service.has_heard_enough)
            await self.service.be_bad()
        if not self.study:
            async with calling(self.node.url) as caller:
                self.study = await caller.upload()


def build(name: str, folder: Path, port: int, service: Service | None) -> Node:
    """An Orthanc as it comes, with the plugin if there is something to report to."""
    place = folder / name.replace(" ", "-")
    return build_real(
        Seat(
            name=name,
            folder=place,
            port=port,
            reached_at=f"http://{LOOPBACK}:{port}",
            storage=place,
            peers={},
            history=10,
            services=(f"http://{LOOPBACK}:{service.port}",) if service else (),
            secret_file=folder / "secret",
            plugin=JOBS_PLUGIN if service else None,
        ),
        None,
        {},
    )


@asynccontextmanager
async def subjects(*names: str) -> AsyncIterator[list[Subject]]:
    """An Orthanc for each name, all started; one whose name is no case of a service has no plugin."""
    with temporary_folder() as folder:
        (folder / "secret").write_text("x" * 64)
        ports = iter(free_ports(2 * len(names)))
        found = []
        async with AsyncExitStack() as stack:
            for name in names:
                service = Service(next(ports), name) if name in CASES else None
                if service:
                    await service.open()
                    stack.push_async_callback(service.close)
                found.append(Subject(name, build(name, folder, next(ports), service), service))
                stack.push_async_callback(found[-1].node.process.stop)
                await found[-1].start()
            yield found


def pace(seconds: float, every: float) -> list[float]:
    """The moments at which something is due."""
    now = time.monotonic()
    return [now + number * every for number in range(round(seconds / every))]


def ask(connection: http.client.HTTPConnection, subject: Subject, method: str, path: str, body: str = "") -> None:
    connection.request(method, path, body or None, dict(subject.node.headers))
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise RuntimeError(f"{subject.name}: {path} was answered {response.status}")


def watch(subject: Subject, seconds: float) -> list[float]:
    """How long answers took, ms, from when each question was due: what waits behind a slow one counts too."""
    connection = http.client.HTTPConnection(LOOPBACK, subject.node.port, timeout=10)
    took = []
    for due, path in zip(pace(seconds, EVERY), cycle(("/system", "/studies")), strict=False):
        time.sleep(max(0.0, due - time.monotonic()))
        ask(connection, subject, "GET", path)
        took.append(1000 * (time.monotonic() - due))
    connection.close()
    return took


def order(subject: Subject, seconds: float) -> None:
    """Jobs, whose events the plugin is told."""
    connection = http.client.HTTPConnection(LOOPBACK, subject.node.port, timeout=10)
    for due in pace(seconds, JOB_EVERY):
        time.sleep(max(0.0, due - time.monotonic()))
        ask(connection, subject, "POST", f"/studies/{subject.study}/archive", json.dumps({"Asynchronous": True}))
    connection.close()


async def measure(subject: Subject, seconds: float) -> None:
    took, _ = await asyncio.gather(
        asyncio.to_thread(watch, subject, seconds), asyncio.to_thread(order, subject, seconds)
    )
    subject.rounds.append(took)


def percentile(rounds: Iterable[list[float]], hundredth: int) -> float:
    """Of the answers of all these rounds together: 99 of a short round alone would be its three slowest answers."""
    return statistics.quantiles(chain.from_iterable(rounds), n=100)[hundredth - 1]


def ratios(subject: Subject, usual: Subject) -> tuple[float, float, float]:
    """The ratio of both p99, and between which nine of ten lie when the rounds, in pairs, are drawn anew."""

    def ratio(chosen: Sequence[int]) -> float:
        return percentile((subject.rounds[each] for each in chosen), 99) / percentile(
            (usual.rounds[each] for each in chosen), 99
        )

    every = range(len(usual.rounds))
    drawn = sorted(ratio(random.choices(every, k=len(every))) for _ in range(DRAWS))
    return ratio(every), drawn[DRAWS // 20], drawn[-DRAWS // 20]


async def answers(rounds: int, seconds: float) -> None:
    """Short rounds, each in another order: what else the machine does for a second or two hinders all alike."""
    async with subjects(WITHOUT, CONTROL, *CASES) as found:
        await asyncio.sleep(SETTLED)
        for _ in range(rounds):
            for subject in random.sample(found, len(found)):
                await measure(subject, seconds)
    for subject in found:
        p50, p99 = percentile(subject.rounds, 50), percentile(subject.rounds, 99)
        ratio, low, high = ratios(subject, found[0])
        print(f"{subject.name:15} p50 {p50:.2f} ms, p99 {p99:.2f} ms, ratio {ratio:.2f} ({low:.2f} to {high:.2f})")


async def knock(port: int) -> None:
    """Connect again and again.

    Orthanc's HTTP server sees that it is to stop when somebody connects, else every 2 s: without this the stop of any
    Orthanc takes up to 2 s more, by its phase, and a short delay costs nothing or 2 s.  Steps of 0.5 s remain.
    """
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.close()
        await asyncio.sleep(KNOCK_EVERY)


async def stop(subject: Subject) -> float:
    """Seconds that it takes to stop, with news to tell."""
    await asyncio.to_thread(order, subject, 1.0)
    knocking = asyncio.create_task(knock(subject.node.port), name="knocking")
    began = time.monotonic()
    await subject.node.process.stop(STOPS_WITHIN)
    took = time.monotonic() - began
    knocking.cancel()
    return took


async def stops(times: int) -> None:
    async with subjects(WITHOUT, "black hole") as found:
        took: dict[str, list[float]] = {subject.name: [] for subject in found}
        for number in range(times):
            for subject in found:
                if number:
                    await subject.start()
                took[subject.name].append(await stop(subject))
    for name, each in took.items():
        print(f"{name:15} stops in " + ", ".join(f"{seconds:.2f}" for seconds in each) + " s")
    without, swallowed = map(statistics.median, took.values())
    print(f"a black hole delays the stop by {swallowed - without:.2f} s (medians)")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=240)
    arguments.add_argument("--seconds", type=float, default=0.25)
    arguments.add_argument("--stops", type=int, default=5)
    chosen = arguments.parse_args()
    asyncio.run(answers(chosen.rounds, chosen.seconds))
    asyncio.run(stops(chosen.stops))
