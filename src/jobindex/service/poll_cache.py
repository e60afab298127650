"""Poll cache: what a polled node said of its jobs last time, so that what it says again costs next to nothing.

Law: a job is passed over only while the view shows the very word that its node is known to have said.
"""

from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from jobindex.model.job_list import Listed
from jobindex.model.node import Node
from jobindex.service.turns import in_turns
from jobindex.store.jobs import Stored

MAX_READINGS = 300_000
"""Readings kept in all, some 60 MB; the nodes read longest ago are forgotten first."""


class _Reading(NamedTuple):
    """A job's digest, and the stamp by which the view showed it; "" where the job can't be read."""

    digest: bytes
    shown: str


class PollCache:
    """Readings by node and job."""

    def __init__(self) -> None:
        self._nodes: dict[str, dict[str, _Reading]] = {}

    @property
    def size(self) -> int:
        """How many readings are kept."""
        return sum(map(len, self._nodes.values()))

    def knows(self, node_id: str, node: Node, listed: Listed, shown: Stored | None) -> bool:
        """Whether a listed job is what the view shows, or can't be read any more than last time."""
        reading = self._nodes.get(node_id, {}).get(listed.id)
        if reading is None or reading.digest != listed.digest:
            return False
        return not reading.shown or (shown is not None and _is_of(node, shown) and shown.record.stamp == reading.shown)

    async def keep(
        self, node_id: str, node: Node, listed: Iterable[Listed], unreadable: Set[str], view: Mapping[str, Stored]
    ) -> None:
        """These were news and have been taken in, as far as the view shows."""
        readings = self._nodes.pop(node_id, {})
        async for job in in_turns(listed):
            shown = view.get(job.id)
            readings.pop(job.id, None)
            if job.id in unreadable:
                readings[job.id] = _Reading(job.digest, "")
            elif shown is not None and _is_of(node, shown) and shown.record.stamp <= job.stamp:
                readings[job.id] = _Reading(job.digest, shown.record.stamp)
        self._nodes[node_id] = readings
        while len(self._nodes) > 1 and self.size > MAX_READINGS:
            del self._nodes[next(iter(self._nodes))]

    def forget_gone(self, node_id: str, ids: Set[str]) -> None:
        """Of this node there are only these ids any more."""
        self.forget(node_id, self._nodes.get(node_id, {}).keys() - ids)

    def forget(self, node_id: str, ids: Iterable[str] | None = None) -> None:
        """What is known of a node, or of these jobs of it, is to be read again."""
        if ids is None:
            self._nodes.pop(node_id, None)
        else:
            for job_id in ids:
                self._nodes.get(node_id, {}).pop(job_id, None)


def _is_of(node: Node, shown: Stored) -> bool:
    """Whether a job is shown as this incarnation's, which has it."""
    record = shown.record
    return record.incarnation == node.incarnation and record.clock == node.clock and record.on_node
