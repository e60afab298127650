"""What a simulated Orthanc can be made to suffer while it lives: not answering at all or late, or not on one job."""

import asyncio


class Faults:
    """A gate that every question passes, from clients and from the plugin alike."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.not_yet: set[str] = set()
        """Ids of jobs that can't be printed: they are 400, and the list with them is."""

    def balk(self, job_id: str) -> None:
        """Have no text of this job."""
        self.not_yet.add(job_id)

    def hang(self) -> None:
        """Accept, and never answer."""
        self._flowing.clear()

    def slow(self, seconds: float) -> None:
        """Answer everything so much later; 0 is as fast as can be."""
        self._delay = seconds

    def recover(self) -> None:
        """Answer at once, also what has been waiting, and on all jobs."""
        self.not_yet.clear()
        self._delay = 0.0
        self._flowing.set()

    async def gate(self) -> None:
        await self._flowing.wait()
        if self._delay:
            await asyncio.sleep(self._delay)
            await self._flowing.wait()
