"""How many questions one Orthanc gets at once; who finds no place was sent nowhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from jobindex.errors import OwnerUnreachable

AT_ONCE = 16
"""Questions to one Orthanc at a time, from one replica; it answers them with 50 threads of its own."""


class Places:
    """So many for each address; downloads, which may last, take none."""

    def __init__(self) -> None:
        self._free: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def taken(self, url: str, within: float) -> AsyncIterator[None]:
        """Hold a place; OwnerUnreachable where none came free in these seconds."""
        free = self._free.setdefault(url, asyncio.Semaphore(AT_ONCE))
        try:
            async with asyncio.timeout(within):
                await free.acquire()
        except TimeoutError as error:
            raise OwnerUnreachable(f"{url} has enough to do already, and was not asked") from error
        try:
            yield
        finally:
            free.release()
