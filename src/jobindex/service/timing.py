"""The times by which the cluster lives, and the inequalities that they keep.

A node that beats every 5 s, and is called late after 14 s of silence, has two beats to lose and is marked within 16 s,
however many fall silent at once.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds."""

    beat: float = 14.0
    """How long a report keeps its node from being late."""
    probe: float = 1.0
    again: float = 5.0
    """How long after a look at a silent node the next one follows."""
    gone: float = 600.0
    """How long a node is silent before it is given up, unless its process is known to live."""
    back: float = 60.0
    """How long a node that said goodbye may take to come back before its unfinished jobs are lost."""
    settling: float = 6.0
    """How long every living node needs to be heard in a new epoch: one heartbeat and a little."""
    patience: float = 15.0
    """How long a new replica waits for nodes that stay silent in a new epoch."""
    visit: float = 5.0
    busy_visit: float = 1.0
    tombstone: float = 600.0
    purged: float = 10 * 365 * 86_400.0
    """How long nobody brings a purged job back: longer than anything that could."""
    history: float = 7 * 86_400.0
    failures: float = 30 * 86_400.0
    most_history: int = 100_000
    """Finished jobs that are kept at most."""
