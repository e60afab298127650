"""What this replica does without, by its settings: said at its start, and again and again."""

import logging
from collections.abc import Sequence

from jobindex import metrics

log = logging.getLogger(__name__)

AGAIN = 600.0
"""Seconds between warnings."""


class Insecurity:
    """Plain words, each for one thing that is left open; none where all is shut."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        metrics.insecure.set(len(words))

    async def warn_due(self) -> bool:
        """Say it; there is never more."""
        for each in self.words:
            log.warning("insecure: %s", each)
        return False
