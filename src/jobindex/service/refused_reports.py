"""Refused reports: whose reports were not taken lately, and why, for readiness and so for the doctor."""

import time
from collections import OrderedDict

from jobindex.errors import JobIndexError, NodeConflict, NotSigned, OutOfReach

LASTS_S = 300.0
MAX_NODES = 20
"""Anybody who reaches the internal listener can make up names: those that came last are kept."""
MAX_CHARACTERS = 200
SHOWN = (NotSigned, NodeConflict, OutOfReach)
"""What the node's operator has to mend; an unknown node registers by itself."""


class RefusedReports:
    """By node, until a report of that node is taken."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def note(self, node_id: str, error: JobIndexError) -> None:
        """`node_id` has the form of one."""
        if not isinstance(error, SHOWN):
            return
        self._last[node_id] = time.monotonic(), str(error)[:MAX_CHARACTERS]
        self._last.move_to_end(node_id)
        while len(self._last) > MAX_NODES:
            self._last.popitem(last=False)

    def taken(self, node_id: str) -> None:
        self._last.pop(node_id, None)

    def shown(self) -> dict[str, str]:
        """The reason by node, of the last minutes."""
        oldest = time.monotonic() - LASTS_S
        return {node_id: reason for node_id, (at, reason) in sorted(self._last.items()) if at > oldest}
