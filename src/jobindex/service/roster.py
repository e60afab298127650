"""The nodes' lives: registered, heard, late, gone, stopped, forgotten.

Law: mass silence is our own fault until proven otherwise; nobody is given up while most nodes are silent.
Whether a node is silent is a question asked of Redis's clock, by whoever claims its deadline.
"""

import logging
from collections.abc import Sequence

from jobindex.errors import NotNow, OutOfReach, OwnerError, UnknownNode
from jobindex.model.node import ALIVE, GONE, LATE, STOPPED, Node, most_are_silent
from jobindex.model.report import Registration, Report
from jobindex.orthanc.client import Client
from jobindex.orthanc.wire import comes_from_orthanc
from jobindex.service.losses import Losses
from jobindex.service.timing import Timing
from jobindex.store import Store
from jobindex.store.due import Claim
from jobindex.store.jobs import Stored
from jobindex.store.nodes import Said

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Deadlines that one replica claims in one go."""


class Roster:
    """Decides what state a node is in; every change is written once, by whoever finds it."""

    def __init__(self, store: Store, client: Client, losses: Losses, timing: Timing) -> None:
        self._store = store
        self._client = client
        self._losses = losses
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
        node = Node(name=told.name, url=url, version=told.version, kind=kind, incarnation=incarnation, shares=shares)
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
        said = await self._store.nodes.say(node_id, report.incarnation, beat, words, report.clock, offset)
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
        """Look at the nodes whose deadline has passed; whether there may be more."""
        claims = await self._store.late.claim(AT_ONCE, _ms(2 * self._timing.probe + 1))
        for claim in claims:
            await self._look_at(claim)
        return len(claims) == AT_ONCE

    async def give_up(self, node_id: str) -> None:
        """An operator's word that a silent node will not come back; NotNow while it reports."""
        node = await self._store.nodes.fetch(node_id)
        if node is None:
            raise UnknownNode("There is no such node")
        if node.alive:
            raise NotNow("The node is alive: stop it first")
        await self._end(node_id, node, GONE, "an operator gave its node up")

    async def _look_at(self, claim: Claim) -> None:
        node = await self._store.nodes.fetch(claim.member)
        if node is None:
            await self._store.late.strike(claim)
        elif node.state in (ALIVE, LATE):
            await self._look_at_silent(claim, node)
        elif node.state == STOPPED:
            await self._lose_unfinished(claim.member, "its node stopped and did not come back")
            await self._store.late.strike(claim)
        else:
            await self._store.late.strike(claim)

    async def _look_at_silent(self, claim: Claim, node: Node) -> None:
        silent = (await self._store.changes.now() - node.seen) / 1000
        answers = await self._answers(node)
        limit = self._timing.gone_though_answering if answers else self._timing.gone
        if silent >= limit and not await self._mass_silence():
            await self._end(claim.member, node, GONE, f"its node has been silent for {silent:.0f} s")
            return
        state = ALIVE if answers else LATE
        wrote = await self._store.nodes.change_state(
            claim.member, node.incarnation, state, _ms(self._timing.again), if_silent=True
        )
        if wrote:
            log.warning("node %s is %s after %.0f s of silence", claim.member, state.lower(), silent)
        else:
            await self._store.late.put(claim, _ms(self._timing.again))

    async def _answers(self, node: Node) -> bool:
        """One probe without credentials: Orthanc's 401 is an answer, another server's is not.

        A node that is visited shows by its silence that it can't be read, whatever it says to a probe.
        """
        if node.kind != "plugin":
            return False
        try:
            return comes_from_orthanc(await self._client.ask(node.url, "GET", "/system", within=self._timing.probe))
        except OwnerError:
            return False

    async def _mass_silence(self) -> bool:
        nodes = await self._store.nodes.everything()
        known = [node_id for node_id, node in nodes.items() if node.may_answer]
        beating = await self._store.nodes.beating(known)
        return most_are_silent(len(known) - len(beating), len(known))

    async def _end(self, node_id: str, node: Node, state: str, why: str) -> None:
        await self._store.nodes.change_state(node_id, node.incarnation, state, _ms(self._timing.gone))
        await self._lose_unfinished(node_id, why)
        log.warning("node %s is %s: %s", node_id, state.lower(), why)

    async def _lose_unfinished(self, node_id: str, why: str) -> None:
        await self._losses.conclude_unfinished(await self._store.jobs.of_node(node_id), why)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
