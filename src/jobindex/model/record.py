"""What the index knows of a job beside its text: who owns it, how new the word is, and what became of it."""

from dataclasses import dataclass
from sys import intern

from jobindex.model.job import FINAL

HELD = "held"
"""Its node has it."""
MISSED = "missed"
"""Unfinished, and one complete report of its node lacked it: perhaps a race, perhaps lost."""
HISTORY = "history"
"""Finished, and its node has forgotten it: only the index knows it now."""
FORGOTTEN = "forgotten"
"""Its node forgot it before the end could be read: the end is an event's word."""
LOST = "lost"
"""Its end can't be known any more; what is shown is our conclusion."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the owners hash, in this order, parted by single spaces."""

    node: str
    incarnation: str
    clock: int
    stamp: str
    state: str
    mark: str = HELD
    rest: str = ""
    """For a missed job the `taken` of the report that lacked it; then what a newer version tells, as `name=value`."""

    @classmethod
    def read(cls, line: str) -> "Record":
        """ValueError where `line` is not such a line."""
        node, incarnation, clock, stamp, state, mark, *rest = line.split(" ")
        # a million records share the few words that are not their own: a fifth of what a replica needs
        node, incarnation, state, mark = map(intern, (node, incarnation, state, mark))
        return cls(node, incarnation, int(clock), stamp, state, mark, " ".join(rest))

    @property
    def line(self) -> str:
        line = f"{self.node} {self.incarnation} {self.clock} {self.stamp} {self.state} {self.mark}"
        return f"{line} {self.rest}" if self.rest else line

    @property
    def order(self) -> tuple[int, str]:
        """What decides which of two words of one incarnation is the newer."""
        return self.clock, self.stamp

    def follows(self, other: "Record") -> bool:
        """Whether this is a newer word of the same incarnation."""
        same = self.node == other.node and self.incarnation == other.incarnation
        return same and self.order > other.order

    @property
    def on_node(self) -> bool:
        return self.mark in (HELD, MISSED)

    @property
    def concluded(self) -> bool:
        """Whether its text is not Orthanc's own word."""
        return self.mark in (LOST, FORGOTTEN)

    @property
    def final(self) -> bool:
        return self.state in FINAL
