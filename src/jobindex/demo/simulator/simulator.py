"""A simulated Orthanc with its jobs: one address, and one incarnation after the other behind it.

Studies outlive a restart, and jobs do as `SaveJobs` says.  Nothing outlives the process.
"""

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jobindex.demo.simulator.control import Control
from jobindex.demo.simulator.engine import Engine, Pace
from jobindex.demo.simulator.faults import Faults
from jobindex.demo.simulator.incarnation import Incarnation, Site
from jobindex.demo.simulator.release import RELEASES, Release
from jobindex.demo.simulator.server import Server
from jobindex.demo.simulator.studies import Studies

REAL_TIME = Pace(step=0.005, now=time.time, wait=asyncio.sleep)
"""Five milliseconds for each instance: about what an anonymization takes."""


class Simulator:
    """Takes Orthanc's own configuration; without `RegisteredUsers` it is open to all.

    `async with` is its life: it stops cleanly at the end, unless it has crashed before.
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        *,
        plugin: Path | None = None,
        release: str = "1.10.1",
        pace: Pace = REAL_TIME,
    ) -> None:
        settings = {"Name": "simulator", "HttpPort": 0, **configuration}
        faults, wanted = Faults(), RELEASES[release]
        users = settings.get("RegisteredUsers", {})
        self._server = Server(settings["HttpPort"], faults, users, compresses=wanted.compresses)
        self._site = Site(settings, wanted, pace, plugin, Studies(), self._server, faults)
        self._control = Control(self)
        self._life = Incarnation(self._site, [])
        self.crashed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._life.start(self._control.answer)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.recover()
        if not self.crashed.is_set():
            await self._life.stop()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def engine(self) -> Engine:
        """The engine of the present incarnation."""
        return self._life.engine

    @property
    def release(self) -> Release:
        return self._site.release

    @property
    def studies(self) -> Studies:
        return self._site.studies

    def balk(self, job_id: str) -> None:
        """Have no text of this job, neither alone nor in a list."""
        self._site.faults.balk(job_id)

    def hang(self) -> None:
        """Accept, and never answer, neither a client nor the plugin."""
        self._site.faults.hang()

    def slow(self, seconds: float) -> None:
        """Answer everything so much later."""
        self._site.faults.slow(seconds)

    def recover(self) -> None:
        """End hanging, slowness and balking."""
        self._site.faults.recover()

    def forget(self) -> None:
        """Evict all finished jobs now; like any eviction without an event."""
        self.engine.forget()

    async def crash(self) -> None:
        """Go down in the middle of everything, without a goodbye."""
        self.crashed.set()
        await self._life.crash()

    async def restart(self) -> None:
        """Come back as a new incarnation on the same port; what has not crashed stops cleanly first."""
        self.recover()
        if not self.crashed.is_set():
            await self._life.stop()
        self.crashed.clear()
        self._life = Incarnation(self._site, self._life.saved())
        await self._life.start(self._control.answer)
