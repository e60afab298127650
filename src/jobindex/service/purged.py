"""Purged jobs: ids that an operator has taken out of the index for good, as far as this replica was told.

Law: a Redis that was emptied, or fell back to what it had before, is told of them before of any job.
"""

from collections import OrderedDict
from collections.abc import Iterable

MAX_IDS = 100_000
"""Some 12 MB; of more the newest are kept."""


class Purged:
    """Ids, oldest first."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._ids

    def note(self, ids: Iterable[str]) -> None:
        """These are not to come back."""
        for job_id in ids:
            self._ids[job_id] = None
            self._ids.move_to_end(job_id)
        while len(self._ids) > MAX_IDS:
            self._ids.popitem(last=False)

    def lacking(self, known: set[str]) -> list[str]:
        """Those that are not among the known."""
        return [job_id for job_id in self._ids if job_id not in known]
