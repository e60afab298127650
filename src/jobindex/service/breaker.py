"""Which nodes did not answer a moment ago and are left alone, so that a frozen Orthanc costs one time-out, not many."""

import time
from collections.abc import Callable

REST = 5.0
"""Seconds that a node is not asked again after it did not answer."""


class Breaker:
    """One replica's own opinion; the cluster's is the node's state."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def rests(self, node_id: str) -> bool:
        """Whether this node should not be asked now."""
        return self._until.get(node_id, 0.0) > self._clock()

    def trip(self, node_id: str) -> None:
        """This node was asked and never answered."""
        self._until[node_id] = self._clock() + REST

    def reset(self, node_id: str) -> None:
        """This node has answered."""
        self._until.pop(node_id, None)
