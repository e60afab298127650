"""Whether the index can hinder an Orthanc: its own REST answers and its stop, while the service misbehaves.

The same requests at the same pace, by turns to an Orthanc without the plugin and to ones whose service answers,
refuses, swallows, is slow, fails or leads elsewhere; each runs jobs meanwhile.

python benchmarks/isolation.py [--rounds 9] [--seconds 4] [--stops 5]
"""

import argparse
import asyncio
import http.client
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "integration"))

from caller import calling, eventually

from jobindex.demo.checkout import JOBS_PLUGIN
from jobindex.demo.cluster import temporary_folder
from jobindex.demo.configuration import Seat
from jobindex.demo.orthanc import Node, build_real
from jobindex.demo.ports import LOOPBACK, free_ports

EVERY = 0.005  # seconds from request to request
JOB_EVERY = 0.05
SLOW = 2.0  # seconds
ENOUGH = 3  # reports that a service has heard when all of an Orthanc is told
SETTLED = 3.0  # seconds with a bad service before it is measured: more than a time-out
STOPS_WITHIN = 30.0
KNOCK_EVERY = 0.02

Behaviour = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({})


async def swallow(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise RuntimeError("nobody ends the waiting")


async def answer_slowly(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(SLOW)
    return web.json_response({})


async def fail(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=500, body=random.randbytes(10_000))


async def lead_elsewhere(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": str(request.url)})


class Service:
    """What an Orthanc reports to: it answers well until it is told to do otherwise."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.behave: Behaviour = answer
        self.heard = 0
        self._runner = web.ServerRunner(web.Server(self._answer, handler_cancellation=True), shutdown_timeout=0.0)

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port, reuse_address=True).start()

    async def close(self) -> None:
        """From now on every connection is refused."""
        await self._runner.cleanup()

    async def has_heard_enough(self) -> bool:
        return self.heard >= ENOUGH

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self.heard += 1
        return await self.behave(request)


@dataclass
class Subject:
    """An Orthanc and what it reports to, if it does; `p50` and `p99` of its answers, ms, one of each round."""

    name: str
    behaviour: Behaviour | None
    node: Node
    service: Service | None
    study: str = ""
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    async def start(self) -> None:
        """Start the Orthanc, let all be told, then let its service be as bad as it is to be."""
        if self.service:
            self.service.behave, self.service.heard = answer, 0
        await self.node.process.start()
        if self.service:
            await eventually(self.service.has_heard_enough)
            if self.behaviour is None:
                await self.service.close()
            else:
                self.service.behave = self.behaviour
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


CASES: dict[str, Behaviour | None] = {
    "good": answer,
    "black hole": swallow,
    "refused": None,
    "slow": answer_slowly,
    "garbage 500": fail,
    "redirect": lead_elsewhere,
}


@asynccontextmanager
async def subjects(*names: str) -> AsyncIterator[list[Subject]]:
    """First one without the plugin, then one for each of these cases, all started."""
    with temporary_folder() as folder:
        (folder / "secret").write_text("x" * 64)
        ports = iter(free_ports(2 * len(names) + 1))
        found = [Subject("no plugin", None, build("no plugin", folder, next(ports), None), None)]
        async with AsyncExitStack() as stack:
            for name in names:
                service = Service(next(ports))
                await service.open()
                stack.push_async_callback(service.close)
                found.append(Subject(name, CASES[name], build(name, folder, next(ports), service), service))
            for subject in found:
                stack.push_async_callback(subject.node.process.stop)
                await subject.start()
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
    cuts = statistics.quantiles(took, n=100)
    subject.p50.append(cuts[49])
    subject.p99.append(cuts[98])


async def answers(rounds: int, seconds: float) -> None:
    """Each round in another order, since what else the machine does comes and goes."""
    async with subjects(*CASES) as found:
        await asyncio.sleep(SETTLED)
        for _ in range(rounds):
            for subject in random.sample(found, len(found)):
                await measure(subject, seconds)
    usual = statistics.median(found[0].p99)
    for subject in found:
        p50, p99 = statistics.median(subject.p50), statistics.median(subject.p99)
        spread = f"{min(subject.p99):.2f} to {max(subject.p99):.2f}"
        print(f"{subject.name:12} p50 {p50:.2f} ms, p99 {p99:.2f} ms ({spread}), ratio {p99 / usual:.2f}")


async def knock(port: int) -> None:
    """Connect again and again.

    Orthanc's HTTP server sees that it is to stop when somebody connects, else every 2 s: without this the stop of any
    Orthanc takes up to 2 s more, by its phase, and a short delay costs nothing or 2 s.
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
    async with subjects("black hole") as found:
        took: dict[str, list[float]] = {subject.name: [] for subject in found}
        for number in range(times):
            for subject in found:
                if number:
                    await subject.start()
                took[subject.name].append(await stop(subject))
    for name, each in took.items():
        print(f"{name:12} stops in " + ", ".join(f"{seconds:.2f}" for seconds in each) + " s")
    without, swallowed = map(statistics.median, took.values())
    print(f"a black hole delays the stop by {swallowed - without:.2f} s (medians)")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--seconds", type=float, default=4.0)
    arguments.add_argument("--stops", type=int, default=5)
    chosen = arguments.parse_args()
    asyncio.run(answers(chosen.rounds, chosen.seconds))
    asyncio.run(stops(chosen.stops))
