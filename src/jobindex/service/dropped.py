"""Recently dropped jobs: ids that the index gave up, so that only the former owner is asked about them.

An id that the index never had is another matter: any node may know it (`search`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable

LASTS_S = 600.0
"""As long as a tombstone."""
MAX_IDS = 20_000
"""Some 4 MB."""


class Dropped:
    """Former owners by job id, oldest first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._owners: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def note(self, job_id: str, node_id: str) -> None:
        """This job, which that node had, is in the index no more."""
        self._owners[job_id] = (self._clock() + LASTS_S, node_id)
        self._owners.move_to_end(job_id)
        while len(self._owners) > MAX_IDS:
            self._owners.popitem(last=False)

    def owner(self, job_id: str) -> str | None:
        """The id of the node that had this job; None where it was not dropped, or too long ago."""
        until, node_id = self._owners.get(job_id, (0.0, ""))
        return node_id if until > self._clock() else None
