"""Unreadable jobs: what a node has and can't be taken is told once, and not asked for again and again."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from jobindex import metrics

log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER_S = 60.0
"""After this an unreadable job is asked for once more: it may have become one that can be read."""
MAX_JOBS = 10_000


class Unreadable:
    """Jobs by node, incarnation and id, those noted last at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def note(self, node_id: str, incarnation: str, job_id: str, why: Exception) -> None:
        """This one could not be read; `job_id` is "" where not even that is known."""
        key = (node_id, incarnation, job_id)
        if key not in self._noted:
            metrics.refused.inc()
            log.warning("job %s of %s is not taken: %s", job_id or "without an id", node_id, why)
        self._noted[key] = self._clock() + ASKED_AGAIN_AFTER_S
        self._noted.move_to_end(key)
        while len(self._noted) > MAX_JOBS:
            self._noted.popitem(last=False)

    def has(self, node_id: str, incarnation: str, job_id: str) -> bool:
        """Whether this one could not be read a moment ago."""
        return bool(self._noted) and self._noted.get((node_id, incarnation, job_id), 0.0) > self._clock()
