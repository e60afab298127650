"""Silent nodes: marked late at once, given up when neither their process nor their reports are heard any more.

Law: mass silence is our own fault until proven otherwise; nobody is given up while most nodes are silent.
What a node leaves unfinished is concluded before its state is written: a replica that dies in between leaves both due.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import NamedTuple

from jobindex.errors import IndexAway, UnknownNode
from jobindex.model.node import GONE, LATE, STOPPED, Node, most_are_silent
from jobindex.service.losses import Losses
from jobindex.service.probes import Probes
from jobindex.service.timing import Timing
from jobindex.store import Store
from jobindex.store.due import Claim

log = logging.getLogger(__name__)

MOMENT_MS = 100
"""After which a node is looked at again whose heartbeat ends with its deadline, and has not ended quite yet."""
ENDING_S = 1.0
"""Seconds of one look in which nodes are given up; the others stay due, so that no mark waits for them."""


class Silent(NamedTuple):
    """A node that is late or stopped, and our claim on it."""

    claim: Claim
    node: Node


class Silence:
    """Decides what becomes of a node that does not report."""

    def __init__(self, store: Store, probes: Probes, losses: Losses, timing: Timing) -> None:
        self._store = store
        self._probes = probes
        self._losses = losses
        self._timing = timing

    async def mark(self, claim: Claim, node: Node) -> None:
        """Its deadline has passed: it is late, whatever a probe will show, unless it reported this very moment."""
        try:
            wrote = await self._store.nodes.change_state(claim.member, node.incarnation, LATE, None, if_silent=True)
        except UnknownNode:
            wrote = False  # another incarnation has registered meanwhile
        if wrote:
            log.warning("node %s has not reported for %.0f s and is late", claim.member, self._timing.beat)
        else:
            await self._store.late.put(claim, MOMENT_MS)

    async def look_at(self, silent: Mapping[str, Silent]) -> None:
        """Probe who is late, and give up whose time is over; one that can't be written does not keep the others."""
        if not silent:
            return
        late = {node_id: each.node for node_id, each in silent.items() if each.node.state == LATE}
        answers = await self._probes.answers(late)
        seen = {node_id: await self._probed(node_id, node, answers[node_id]) for node_id, node in late.items()}
        over = await self._over(silent, seen)
        ended = await self._end_all({node_id: silent[node_id] for node_id in silent if node_id in over}, over)
        for node_id, each in silent.items():
            if node_id in ended:
                await self._store.late.strike(each.claim)
            else:
                await self._store.late.put(each.claim, _ms(self._timing.again))

    async def _probed(self, node_id: str, node: Node, answers: bool) -> Node:
        """Write what a probe has shown, where that is news."""
        told = node.model_copy(update={"answers": answers})
        if node.answers is not answers:
            try:
                await self._store.nodes.change_state(
                    node_id, node.incarnation, LATE, None, if_silent=True, answers=answers
                )
            except UnknownNode:
                return told
            log.warning("node %s is late: %s", node_id, told.reason)
        return told

    async def _over(self, silent: Mapping[str, Silent], late: Mapping[str, Node]) -> dict[str, str]:
        """Whose time is over, and why; a goodbye may have come after its deadline was claimed for another reason."""
        now = await self._store.changes.now()
        stopped = {node_id: each.node for node_id, each in silent.items() if node_id not in late}
        over = {
            node_id: "its node stopped and did not come back"
            for node_id, node in stopped.items()
            if now - node.since >= _ms(self._timing.back)
        }
        long = {node_id: age for node_id, node in late.items() if (age := (now - node.seen) / 1000) > self._timing.gone}
        if not long:
            return over
        nodes = await self._store.nodes.everything()
        if await self._mass_silence(nodes):
            return over
        for node_id, age in long.items():
            others = (node for other, node in nodes.items() if other != node_id)
            if not late[node_id].lives(others):
                over[node_id] = f"its node has been silent for {age:.0f} s"
        return over

    async def _mass_silence(self, nodes: Mapping[str, Node]) -> bool:
        known = [node_id for node_id, node in nodes.items() if node.counts]
        beating = await self._store.nodes.beating(known)
        return most_are_silent(len(known) - len(beating), len(known))

    async def _end_all(self, silent: Mapping[str, Silent], over: Mapping[str, str]) -> set[str]:
        """Those with which it is over now."""
        ends, ended = asyncio.get_running_loop().time() + ENDING_S, set()
        unfinished = await self._losses.unfinished(over.keys()) if over else {}
        for node_id, (_, node) in silent.items():
            if asyncio.get_running_loop().time() > ends:
                break
            try:
                await self._losses.conclude(unfinished.get(node_id, ()), over[node_id])
                if node.state == STOPPED or await self._give_up(node_id, node, over[node_id]):
                    ended.add(node_id)
            except (IndexAway, UnknownNode) as error:
                log.warning("node %s could not be given up, and stays due: %s", node_id, error)
        return ended

    async def end(self, node_id: str, node: Node, why: str) -> None:
        """Give a node up now."""
        await self.conclude(node_id, why)
        await self._give_up(node_id, node, why)

    async def conclude(self, node_id: str, why: str) -> None:
        """What a node leaves unfinished is lost."""
        unfinished = await self._losses.unfinished({node_id})
        await self._losses.conclude(unfinished.get(node_id, ()), why)

    async def _give_up(self, node_id: str, node: Node, why: str) -> bool:
        wrote = await self._store.nodes.change_state(node_id, node.incarnation, GONE, None, if_silent=True)
        if wrote:
            log.warning("node %s is gone: %s", node_id, why)
        return wrote


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
