"""What the reads during a fault have to say of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from .history import Call
from .witness import Witness


@dataclass
class Reads:
    """Lists that were asked for while something happened, in the order in which they were asked for."""

    asked: list["asyncio.Task[Call]"] = field(default_factory=list)

    @property
    def calls(self) -> list[Call]:
        return [task.result() for task in self.asked]

    @property
    def failed(self) -> list[Call]:
        return [call for call in self.calls if call.result != "ok"]

    @property
    def slowest(self) -> float:
        """Seconds."""
        return max(call.ended - call.began for call in self.calls)

    def stale_for(self, since: float) -> float:
        """Seconds from a moment to the last answer that said it was stale; 0 where none did."""
        return max((call.ended - since for call in self.calls if call.age is not None), default=0.0)

    def complete_after(self, since: float, ids: set[str]) -> float:
        """Seconds from a moment to the first answer from which on none lacked one of these jobs."""
        lacking = [call.ended for call in self.calls if call.jobs is None or not ids <= call.jobs.keys()]
        return max(0.0, max(lacking, default=since) - since)


@asynccontextmanager
async def reading(who: Witness, per_second: float = 20) -> AsyncIterator[Reads]:
    """At this pace, however long each takes; on leaving, all have been answered."""
    reads = Reads()

    async def keep_asking() -> None:
        while True:
            reads.asked.append(tasks.create_task(who.list()))
            await asyncio.sleep(1 / per_second)

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(keep_asking())
        yield reads
        asking.cancel()
