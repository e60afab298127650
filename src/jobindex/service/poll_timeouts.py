"""Adaptive time-outs: how long each polled node may take to answer, learnt from how long it took."""

from collections import OrderedDict

MAX_TIMEOUT_S = 60.0
"""Seconds that no list may take longer than; then a node is read job by job."""
MAX_NODES = 10_000


class PollTimeouts:
    """By node: at least `shortest`, twice what the last answer took, doubled with each that did not come."""

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._known: OrderedDict[str, float] = OrderedDict()

    def of(self, node_id: str) -> float:
        return self._known.get(node_id, self._shortest)

    def answered(self, node_id: str, took: float) -> None:
        """An answer came, in so many seconds."""
        self._keep(node_id, 2 * took)

    def silent(self, node_id: str) -> None:
        """None came in time."""
        self._keep(node_id, 2 * self.of(node_id))

    def _keep(self, node_id: str, seconds: float) -> None:
        self._known.pop(node_id, None)
        if seconds > self._shortest:
            self._known[node_id] = min(seconds, MAX_TIMEOUT_S)
        while len(self._known) > MAX_NODES:
            self._known.popitem(last=False)
