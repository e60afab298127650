"""What the tests of the simulator are made of: time that a test moves, a study of three files, jobs of three steps."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from jobindex.demo.dicom import make_study
from jobindex.demo.probes import until
from jobindex.demo.simulator import Pace, Simulator
from jobindex.demo.simulator.job import Job, State
from jobindex.demo.simulator.work import Modification

NOON = 1_800_000_000.0
PATIENCE = 20.0
"""Seconds."""
AT_ONCE = Pace(step=0.0, now=time.time, wait=asyncio.sleep)


class Metronome:
    """Time that stands still until a test lets steps happen; each takes a second."""

    def __init__(self) -> None:
        self.now = NOON
        self._steps = asyncio.Semaphore(0)

    async def wait(self, seconds: float) -> None:
        await self._steps.acquire()
        self.now += seconds

    def beat(self, steps: int = 1) -> None:
        for _ in range(steps):
            self._steps.release()

    @property
    def pace(self) -> Pace:
        return Pace(step=1.0, now=lambda: self.now, wait=self.wait)


@asynccontextmanager
async def simulated(pace: Pace = AT_ONCE, **settings: Any) -> AsyncIterator[Simulator]:
    plugin, release = settings.pop("plugin", None), settings.pop("release", "1.10.1")
    async with Simulator(settings, pace=pace, plugin=plugin, release=release) as simulator:
        for file in make_study("UNIT", 3, 64):
            simulator.studies.store(file, pace.now())
        yield simulator


def modify(simulator: Simulator, priority: int = 0) -> Job:
    """Submit a job of three steps."""
    (source, *_) = simulator.studies
    work = Modification(source, simulator.studies, simulator.release, anonymizes=True)
    return simulator.engine.submit(work, priority)


async def reaches(job: Job, state: State) -> None:
    async def reached() -> bool:
        return job.state is state

    assert await until(reached, PATIENCE), f"{job.state} instead of {state}"


async def ask(simulator: Simulator, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, simulator.url + path, **more) as answer,
    ):
        return answer.status, await answer.read()


async def archive(simulator: Simulator) -> str:
    """Order an archive of the one study, wait for its end, and answer the job's id."""
    (study, *_) = simulator.studies
    _, body = await ask(simulator, "POST", f"/studies/{study.id}/archive", json={"Asynchronous": True})
    job = simulator.engine.job(json.loads(body)["ID"])
    assert job is not None
    await job.ended.wait()
    return job.id
