"""What nodes leave in the audit trail: who came, who left, and whose reports were refused."""

from jobindex.audit.events import NODE_CAME, NODE_LEFT, report_refused
from jobindex.audit.record import MINOR, Record
from jobindex.audit.repeats import Repeats
from jobindex.audit.trail import Trail

USUAL = ("unknown_node", "index_away", "malformed_report")
"""Refusals that are no attack: a node registers again, or says again later, or is of another version."""


class NodeEvents:
    """The node is who it says it is only where its report was taken."""

    def __init__(self, trail: Trail, repeats: Repeats) -> None:
        self._trail = trail
        self._repeats = repeats

    def came(self, node_id: str, address: str) -> None:
        self._trail.note(Record(NODE_CAME, user=node_id, address=address, node=node_id))

    def left(self, node_id: str, address: str) -> None:
        self._trail.note(Record(NODE_LEFT, user=node_id, address=address, node=node_id))

    def refused(self, node_id: str, address: str, word: str) -> None:
        """A report was not taken, for the reason of this code word."""
        if word not in USUAL:
            event = report_refused(word)
            self._repeats.note(Record(event, user=node_id, address=address, node=node_id, outcome=MINOR))
