"""What a simulated Orthanc can be made to suffer while it lives: not answering at all, and answering late."""

import asyncio


class Faults:
    """A gate that every question passes, from clients and from the plugin alike."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()

    def hang(self) -> None:
        """Accept, and never answer."""
        self._flowing.clear()

    def slow(self, seconds: float) -> None:
        """Answer everything so much later; 0 is as fast as can be."""
        self._delay = seconds

    def recover(self) -> None:
        """Answer at once, also what has been waiting."""
        self._delay = 0.0
        self._flowing.set()

    async def gate(self) -> None:
        await self._flowing.wait()
        if self._delay:
            await asyncio.sleep(self._delay)
            await self._flowing.wait()
