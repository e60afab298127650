"""One run of a simulated Orthanc, from its start to its stop or its crash."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobindex.demo.simulator.asking import Asking
from jobindex.demo.simulator.engine import Engine, Limits, Pace
from jobindex.demo.simulator.faults import Faults
from jobindex.demo.simulator.job import Job
from jobindex.demo.simulator.jobs_door import JobsDoor
from jobindex.demo.simulator.plugin import PluginHost
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.router import Answer, Question, Router
from jobindex.demo.simulator.server import Handler, Server
from jobindex.demo.simulator.storage_door import StorageDoor
from jobindex.demo.simulator.studies import Studies
from jobindex.demo.simulator.work_door import WorkDoor


@dataclass(frozen=True)
class Site:
    """What stays when Orthanc restarts: where it is, how it is set up, what it stores, what befalls it."""

    configuration: dict[str, Any]
    release: Release
    pace: Pace
    plugin: Path | None
    studies: Studies
    server: Server
    faults: Faults


class Incarnation:
    """The engine, the routes and the plugin of one run; `jobs` are what an earlier run has saved."""

    def __init__(self, site: Site, jobs: Iterable[Job]) -> None:
        self._site = site
        self.engine = Engine(site.pace, _limits(site.configuration), self._announce)
        self.engine.restore(jobs)
        self._router = Router(site.release, self._routes())
        self._host: PluginHost | None = None

    async def start(self, control: Handler) -> None:
        """Listen first: a plugin may call its own Orthanc as soon as it is told of the start."""
        site = self._site
        await site.server.start(self._router, control)
        site.configuration["HttpPort"] = site.server.port
        self._working = asyncio.create_task(self.engine.run(), name="jobs engine")
        self._asking = Asking(self._answer)
        if site.plugin:
            self._host = PluginHost(site.plugin, site.configuration, self._asking.ask, site.server.admit)
            await asyncio.to_thread(self._host.load)
            self._host.announce("OrthancStarted")

    async def stop(self) -> None:
        """As Orthanc does: first the plugin hears of it, then the server closes."""
        if self._host:
            await asyncio.to_thread(self._host.stop)
        await self._site.server.stop()
        await self._halt()

    async def crash(self) -> None:
        """Cut everything off where it is."""
        if self._host:
            self._host.abandon()
        await self._site.server.abort()
        await self._halt()

    def saved(self) -> list[Job]:
        """What the next run finds again."""
        return self.engine.saved() if self._site.configuration.get("SaveJobs", True) else []

    async def _halt(self) -> None:
        await self._asking.close()
        self._working.cancel()
        with suppress(asyncio.CancelledError):
            await self._working

    def _announce(self, event: str, job_id: str) -> None:
        if self._host:
            self._host.announce(event, job_id)

    def _routes(self) -> list[Any]:
        site = self._site
        return [
            *JobsDoor(self.engine, site.release, site.faults.not_yet).routes(),
            *StorageDoor(site.studies, site.pace, site.release, site.configuration).routes(),
            *WorkDoor(self.engine, site.studies, site.release, site.configuration).routes(),
        ]

    async def _answer(self, path: str) -> Answer:
        await self._site.faults.gate()
        return await self._router.answer(Question.read("GET", path))


def _limits(configuration: dict[str, Any]) -> Limits:
    return Limits(
        history=configuration.get("JobsHistorySize", Limits.history),
        archives=configuration.get("MediaArchiveSize", Limits.archives),
        concurrent=configuration.get("ConcurrentJobs", Limits.concurrent),
    )
