"""Liveness probes: whether the process of a node that does not report answers at its address.

Law: an answer shows that a process lives.  It does not make what we know of its jobs any newer.
"""

import asyncio
from collections.abc import Mapping

from jobindex.errors import OwnerError
from jobindex.model.node import Node
from jobindex.orthanc.client import Client
from jobindex.orthanc.wire import comes_from_orthanc

MAX_PROBES = 256
"""At once; more than these wait for each other."""


class Probes:
    """Asks silent nodes, each for `within` seconds."""

    def __init__(self, client: Client, within: float) -> None:
        self._client = client
        self._within = within

    async def answers(self, nodes: Mapping[str, Node]) -> dict[str, bool]:
        """Which of these nodes answer; all are asked side by side."""
        gate = asyncio.Semaphore(MAX_PROBES)
        found = await asyncio.gather(*(self._answers(gate, node) for node in nodes.values()))
        return dict(zip(nodes, found, strict=True))

    async def _answers(self, gate: asyncio.Semaphore, node: Node) -> bool:
        """One probe without credentials: Orthanc's 401 is an answer, another server's is not.

        A node that is visited shows by its silence that it can't be read, whatever it says to a probe.
        """
        if node.kind != "plugin":
            return False
        async with gate:
            try:
                return comes_from_orthanc(await self._client.ask(node.url, "GET", "/system", within=self._within))
            except OwnerError:
                return False
