"""Authorization cache: what each Orthanc said of one caller and the list, and which nodes' jobs are hidden by that.

Law: a node's word counts for the jobs of that node.  A node that can't be asked keeps its last word; where there is
none, and for jobs whose node is given up or not recorded, the strictest word of the nodes that may answer counts.
A node that has refused the caller one of its jobs has no last word: its jobs are hidden until it is asked again.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set

from jobindex.auth import verdicts
from jobindex.auth.verdicts import Refusal
from jobindex.model.node import GONE, Node
from jobindex.model.visibility import UNRECORDED

Nodes = Mapping[str, Node]

ALL_ASKED_EVERY_S = 60.0
"""While all nodes agree on a caller one of them renews for all; so often all are asked."""
TRY_AGAIN_AFTER_S = 1.0
"""After a renewal that no node answered."""
UNKNOWN_CALLER = 401
"""The status for credentials that an Orthanc does not know; with 403 it knows them, and does not let them do this."""
MAX_CALLERS, MAX_VERDICTS = 10_000, 200_000
"""Callers that are remembered, and what all nodes together said of them: some 20 MB."""


class Standing:
    """One caller's: `until` it counts, `renew_at` it is asked for again while the caller polls."""

    __slots__ = (
        "_allowed",
        "_asked",
        "_contradicted",
        "_doubted",
        "_hidden",
        "_hidden_of",
        "_known_hidden",
        "_refusals",
        "_turn",
        "all_asked",
        "doubts",
        "renew_at",
        "until",
    )

    def __init__(self) -> None:
        self.until = 0.0
        self.renew_at = 0.0
        self.all_asked = -math.inf
        self.doubts = 0
        """How often what was said was in doubt: an answer that was asked for before tells nothing."""
        self._turn = 0
        self._asked: dict[str, str] = {}
        self._allowed: set[str] = set()
        self._refusals: dict[str, Refusal] = {}
        self._doubted: set[str] = set()
        """Nodes that have refused the caller a job of theirs, and were not heard of its list since."""
        self._contradicted: dict[str, int] = {}
        """By node: the doubt since which no yes counts that was asked for before."""
        self._hidden: tuple[str, ...] = ()
        self._hidden_of: Nodes | None = None
        self._known_hidden: tuple[str, ...] | None = None

    # What is said.

    def note(self, node_id: str, refusal: Refusal | None, asked: int | None = None) -> None:
        """This node has answered what was asked when there were so many doubts (None: now)."""
        if refusal is None and asked is not None and asked < self._contradicted.get(node_id, 0):
            return
        self._doubted.discard(node_id)
        if refusal is None:
            self._refusals.pop(node_id, None)
            self._allowed.add(node_id)
        else:
            self._allowed.discard(node_id)
            self._refusals[node_id] = refusal
        self._hidden_of = None

    def note_asked(self, nodes: Nodes) -> None:
        """Those whose word counts are asked now, or can't be; what is remembered of others that are no more goes."""
        self._asked = {node_id: node.incarnation for node_id, node in nodes.items() if node.counts}
        self._allowed &= nodes.keys()
        self._doubted &= nodes.keys()
        self._contradicted = {node_id: doubt for node_id, doubt in self._contradicted.items() if node_id in nodes}
        self._refusals = {node_id: said for node_id, said in self._refusals.items() if node_id in nodes}
        self._hidden_of = None

    def settle(self, nodes: Nodes, now: float, *, every: bool) -> None:
        """A round of questions has brought an answer, of `every` node or of one that speaks for all."""
        self.until = now + (verdicts.YES_LASTS if self.allows(nodes) else verdicts.NO_LASTS)
        self.renew_at = now + verdicts.YES_LASTS / 2
        self.all_asked = now if every else self.all_asked

    def doubt(self, node_id: str) -> None:
        """This node has just refused the caller something: if that is news, all are asked before the next list."""
        if node_id not in self._refusals:
            self.until, self.all_asked = 0.0, -math.inf
            self.doubts += 1

    def contradict(self, node_id: str) -> None:
        """The same, and it was a job of its own: what it said before counts no more."""
        if node_id not in self._refusals:
            self.doubt(node_id)
            self._contradicted[node_id] = self.doubts
            self._doubted.add(node_id)
            self._allowed.discard(node_id)
            self._hidden_of = None

    def refuse(self, node_id: str, refusal: Refusal) -> None:
        """This node has refused the caller its list, whoever asked for that."""
        self.contradict(node_id)
        self.note(node_id, refusal)

    # What follows from it.

    @property
    def doubted(self) -> Set[str]:
        """The nodes that are to be asked although they rest."""
        return self._doubted

    def is_known(self, but_at: str = "") -> bool:
        """Whether some other node knows these credentials, also if the caller may not do this there."""
        knows = self._allowed | {node_id for node_id, said in self._refusals.items() if said.status != UNKNOWN_CALLER}
        return bool(knows - {but_at})

    def said(self, node_id: str) -> Refusal | bool | None:
        """The last word of a node: its refusal, True for a yes, None where it never answered."""
        return self._refusals.get(node_id) or (True if node_id in self._allowed else None)

    def is_settled(self, now: float) -> bool:
        """Whether nothing has to be asked again yet, but for nodes that are new."""
        return self.until > now and self.renew_at > now

    def has_asked(self, nodes: Nodes) -> bool:
        """Whether every node whose word counts was asked in its present incarnation."""
        return self._hidden_of is nodes or all(self._was_asked(*pair) for pair in nodes.items() if pair[1].counts)

    def allows(self, nodes: Nodes) -> bool:
        """Whether the caller sees the jobs of any node."""
        return any(node_id in nodes and nodes[node_id].state != GONE for node_id in self._allowed)

    def refusal(self, nodes: Nodes) -> Refusal | None:
        """What the nodes say to somebody whom all refuse: a 403 first, for it knows the caller."""
        said = [refusal for node_id, refusal in self._refusals.items() if node_id in nodes]
        return max(said, key=lambda refusal: refusal.status, default=None)

    def hidden(self, nodes: Nodes) -> tuple[str, ...]:
        """The hidden set; worked out once for as long as neither the nodes nor what they said have changed."""
        if self._hidden_of is not nodes:
            self._hidden = self._work_out(nodes) if self._refusals or self._doubted else ()
            if self.has_asked(nodes):
                self._hidden_of = nodes
                self._known_hidden = self._hidden if self.allows(nodes) else None
        return self._hidden

    def hidden_if_known(self, nodes: Nodes) -> tuple[str, ...] | None:
        """The same, every few milliseconds; None where some node has to be asked first, or none lets the caller in."""
        if self._hidden_of is not nodes:
            if not self.has_asked(nodes):
                return None
            self.hidden(nodes)
        return self._known_hidden

    def to_ask(self, nodes: Sequence[tuple[str, Node]], now: float) -> Sequence[tuple[str, Node]]:
        """Of these all, but while all agree only the next one in turn and those that are new or have said nothing."""
        if self.is_settled(now):
            return [pair for pair in nodes if not self._was_asked(*pair)]
        agreeing = [pair for pair in nodes if pair[0] in self._allowed and self._was_asked(*pair)]
        if self._refusals or self._doubted or not agreeing or now >= self.all_asked + ALL_ASKED_EVERY_S:
            return nodes
        self._turn += 1
        others = [pair for pair in nodes if pair not in agreeing]
        return [agreeing[self._turn % len(agreeing)], *others]

    def _was_asked(self, node_id: str, node: Node) -> bool:
        return self._asked.get(node_id) == node.incarnation

    def _work_out(self, nodes: Nodes) -> tuple[str, ...]:
        strict = any(self._is_against(node_id) for node_id, node in nodes.items() if node.counts)
        hidden = [node_id for node_id, node in nodes.items() if self._hides(node_id, node, strict=strict)]
        return tuple(sorted([*hidden, UNRECORDED] if strict else hidden))

    def _hides(self, node_id: str, node: Node, *, strict: bool) -> bool:
        if node.state == GONE:
            return strict
        return self._is_against(node_id) or (strict and node_id not in self._allowed)

    def _is_against(self, node_id: str) -> bool:
        return node_id in self._refusals or node_id in self._doubted


class Standings:
    """By the fingerprints of the callers; who has not been here for longest is forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._standings: OrderedDict[str, Standing] = OrderedDict()

    def look_at(self, fingerprint: str) -> Standing | None:
        """That of a caller who was here before, who is forgotten no later for it."""
        return self._standings.get(fingerprint)

    def find(self, fingerprint: str) -> Standing | None:
        """That of a caller who was here before."""
        standing = self._standings.get(fingerprint)
        if standing is not None:
            self._standings.move_to_end(fingerprint)
        return standing

    def of(self, fingerprint: str, nodes: int) -> Standing:
        """That of this caller, new or not; there are so many nodes."""
        standing = self.find(fingerprint)
        if standing is None:
            standing = self._standings[fingerprint] = Standing()
            while len(self._standings) > min(MAX_CALLERS, MAX_VERDICTS // max(nodes, 1) + 1):
                self._standings.popitem(last=False)
        return standing
