"""The nodes' lives: registered, heard, late, gone, stopped, forgotten.

Whether a node is silent is a question asked of Redis's clock, by whoever claims its deadline.
"""

import logging
from collections.abc import Sequence

from jobindex.errors import NotNow, OutOfReach, UnknownNode
from jobindex.model.node import GONE, LATE, STOPPED, Node
from jobindex.model.report import Registration, Report
from jobindex.orthanc.client import Client
from jobindex.service.losses import Losses
from jobindex.service.probes import MAX_PROBES, Probes
from jobindex.service.silence import ENDING_S, Silence, Silent
from jobindex.service.timing import Timing
from jobindex.store import Store
from jobindex.store.due import Claim
from jobindex.store.jobs import Stored
from jobindex.store.nodes import Said

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Deadlines that one replica claims in one go."""
MOST = 1024
"""Silent nodes in one look."""


class Roster:
    """Decides what state a node is in; every change is written once, by whoever finds it."""

    def __init__(self, store: Store, client: Client, losses: Losses, timing: Timing) -> None:
        self._store = store
        self._client = client
        self._silence = Silence(store, Probes(client, timing.probe), losses, timing)
        self._timing = timing

    async def register(
        self, node_id: str, incarnation: str, told: Registration, address: str, kind: str = "plugin"
    ) -> None:
        """Write a node's record; its address is what it told, else where the report came from and Orthanc's port.

        OutOfReach where no Orthanc may be; nothing is written then.
        """
        host = f"[{address}]" if ":" in address else address
        url = told.url or f"{'https' if told.tls else 'http'}://{host}:{told.http_port}"
        self._check(node_id, url)
        shares = bool(told.token.get_secret_value())
        node = Node(
            name=told.name,
            url=url,
            version=told.version,
            kind=kind,
            incarnation=incarnation,
            shares=shares,
            remote_access=told.remote_access,
            named_url=told.url is not None,
        )
        await self._store.nodes.register(node_id, node, _ms(self._timing.beat))
        log.info("node %s registered at %s", node_id, url)

    def _check(self, node_id: str, url: str) -> None:
        """The log has what an operator needs to mend it: the node, its address, and the setting."""
        try:
            self._client.check(url)
        except OutOfReach as error:
            log.warning("node %s is not registered at %s: %s", node_id, url, error)
            raise

    async def hear(
        self, node_id: str, report: Report, words: Sequence[Stored], offset: int, patience: float = 0.0
    ) -> Said:
        """Take in the jobs of a report that is not complete, and note it, in one exchange with Redis."""
        beat = _ms(self._timing.beat + patience)
        said = await self._store.nodes.say(
            node_id, report.incarnation, beat, words, report.clock, offset, report.cannot_read
        )
        if report.goodbye:
            await self.stopped(node_id, report.incarnation)
        return Said(said.refused, said.first and not report.goodbye)

    async def heard(self, node_id: str, report: Report, offset: int, patience: float = 0.0) -> bool:
        """Note that a node has reported, or said goodbye; True when it should send everything."""
        everything = await self._store.nodes.seen(
            node_id,
            report.incarnation,
            _ms(self._timing.beat + patience),
            complete=report.complete,
            clock=report.clock,
            offset=offset,
        )
        if report.goodbye:
            await self.stopped(node_id, report.incarnation)
        return everything and not report.goodbye

    async def stopped(self, node_id: str, incarnation: str) -> None:
        """Note a goodbye; it counts only for the incarnation that it names."""
        await self._store.nodes.change_state(node_id, incarnation, STOPPED, _ms(self._timing.back))
        log.info("node %s said goodbye", node_id)

    async def late_due(self) -> bool:
        """Mark the nodes whose deadline has passed, then look closer at them; whether there may be more.

        All are marked before any is probed, so that nobody is marked the later for how many are silent.
        """
        silent: dict[str, Silent] = {}
        lease = _ms(MOST / MAX_PROBES * self._timing.probe + 2 * ENDING_S)
        while len(silent) < MOST and (claims := await self._store.late.claim(AT_ONCE, lease)):
            silent |= await self._mark(claims)
        await self._silence.look_at(silent)
        return len(silent) >= MOST

    async def _mark(self, claims: Sequence[Claim]) -> dict[str, Silent]:
        """Those of them that are silent still."""
        nodes = await self._store.nodes.some([claim.member for claim in claims])
        for claim in claims:
            node = nodes.get(claim.member)
            if node is None or node.state == GONE:
                await self._store.late.strike(claim)
            elif node.alive:
                await self._silence.mark(claim, node)
        after = await self._store.nodes.some(list(nodes))
        return {each.member: Silent(each, after[each.member]) for each in claims if _is_silent(after.get(each.member))}

    async def give_up(self, node_id: str) -> None:
        """An operator's word that a silent node will not come back: its jobs are lost.  NotNow while it reports."""
        node = await self._not_alive(node_id)
        if node.state == GONE:
            raise NotNow(f"The node is given up already; DELETE /job-index/nodes/{node_id} takes it off the list")
        await self._silence.end(node_id, node, "an operator gave its node up")

    async def delete(self, node_id: str) -> None:
        """Take a node off the list, where it is gone or stopped; its history stays, its unfinished jobs are lost."""
        node = await self._not_alive(node_id)
        if node.state == LATE:
            raise NotNow(f"The node is late: give it up first (POST /job-index/nodes/{node_id}/give-up)")
        await self._silence.conclude(node_id, "an operator deleted its node")
        if not await self._store.nodes.forget(node_id, with_jobs=True):
            raise NotNow("The node has come back this very moment")
        log.warning("node %s was taken off the list", node_id)

    async def _not_alive(self, node_id: str) -> Node:
        node = await self._store.nodes.fetch(node_id)
        if node is None:
            raise UnknownNode("There is no such node")
        if node.alive:
            raise NotNow("The node is alive: stop it first")
        return node


def _is_silent(node: Node | None) -> bool:
    return node is not None and node.state in (LATE, STOPPED)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
