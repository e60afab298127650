"""The stretches of network between the parts of a cluster, each of which can go bad by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.layout import REPLICAS


class Network:
    """Laid out with the cluster, by `Plan.link`."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.links: dict[tuple[str, str], FaultProxy] = {}
        self._tasks = tasks

    def link(self, source: str, target: str, port: int) -> int:
        proxy = self.links[source, target] = FaultProxy(port)
        self._tasks.create_task(proxy.heal(), name=f"from {source} to {target}")
        return proxy.port

    def bad(
        self, how: Callable[[FaultProxy], None], source: tuple[str, ...] = (), target: tuple[str, ...] = ()
    ) -> None:
        for proxy in self._between(source, target):
            how(proxy)

    async def heal(self, source: tuple[str, ...] = (), target: tuple[str, ...] = ()) -> None:
        for proxy in self._between(source, target):
            await proxy.heal()

    async def close(self) -> None:
        for proxy in self.links.values():
            await proxy.close()

    @property
    def sent(self) -> dict[str, Counter[str]]:
        """What replicas sent to each Orthanc."""
        return {target: proxy.asked for (source, target), proxy in self.links.items() if source == REPLICAS}

    def _between(self, source: tuple[str, ...], target: tuple[str, ...]) -> Iterator[FaultProxy]:
        for (one, other), proxy in self.links.items():
            if (not source or one in source) and (not target or other in target):
                yield proxy


@asynccontextmanager
async def opened() -> AsyncIterator[Network]:
    async with asyncio.TaskGroup() as tasks:
        network = Network(tasks)
        try:
            yield network
        finally:
            await network.close()
