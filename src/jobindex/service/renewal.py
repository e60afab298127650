"""Keeps callers' standings (authorization cache) fresh: new callers are put to all nodes, others renewed in time.

Law: a yes counts for ten seconds after a node has said it, or one that speaks for all, and whoever asks meanwhile waits
for nobody.
"""

import asyncio
from collections.abc import Callable

from jobindex.auth.caller import Caller
from jobindex.auth.standing import TRY_AGAIN_AFTER_S, Standing, Standings
from jobindex.auth.verdicts import Refusal
from jobindex.errors import NobodyToAsk, Refused
from jobindex.orthanc.wire import Answer
from jobindex.service.fan_out import HEAD_START, WITHIN, FanOut, Pairs
from jobindex.service.view import View

LIST = ("GET", "/jobs")


class Renewal:
    """One round of questions at a time for each caller, shared by all its requests."""

    def __init__(self, view: View, fan_out: FanOut, clock: Callable[[], float]) -> None:
        self._view = view
        self._fan_out = fan_out
        self._standings = Standings(clock)
        self._clock = clock
        self._rounds: dict[str, asyncio.Task[bool]] = {}

    async def standing(self, caller: Caller) -> Standing:
        """The standing of a caller who sees some jobs, as it counts now; Refused or NobodyToAsk else."""
        standing = self._standings.of(caller.fingerprint, len(self._view.nodes))
        if not self._lasts(standing):
            await self._refresh(caller, standing)
        elif standing.renew_at <= self._clock():
            self._round(caller, standing)
        nodes = self._view.nodes
        if standing.allows(nodes):
            return standing
        if refusal := standing.refusal(nodes):
            raise Refused(refusal.status, refusal.challenge, known=standing.is_known())
        raise NobodyToAsk("No Orthanc can be asked whether this caller may")

    def hidden(self, fingerprint: str) -> tuple[str, ...] | None:
        """The hidden set of a caller whose standing lasts and need not be renewed yet, or just is being renewed."""
        standing, now = self._standings.look_at(fingerprint), self._clock()
        if standing is None or standing.until <= now or (standing.renew_at <= now and fingerprint not in self._rounds):
            return None
        return standing.hidden_if_known(self._view.nodes)

    def has_listed(self, caller: Caller) -> bool:
        """Whether it is remembered what nodes said of this caller."""
        return self._standings.find(caller.fingerprint) is not None

    async def is_known(self, caller: Caller, but_at: str) -> bool:
        """Whether any node but this knows these credentials: by what is remembered, else by asking."""
        remembered = self._standings.find(caller.fingerprint)
        if remembered is not None and remembered.is_known(but_at):
            return True
        try:
            return (await self.standing(caller)).is_known(but_at)
        except Refused as refusal:
            return refusal.known
        except NobodyToAsk:
            return False

    def friendly_first(self, caller: Caller, nodes: Pairs) -> Pairs:
        """The nodes, those first that let this caller in the last time."""
        standing = self._standings.find(caller.fingerprint)
        return sorted(nodes, key=lambda pair: standing.said(pair[0]) is not True) if standing else nodes

    def doubt(self, caller: Caller, node_id: str) -> None:
        """This node has just refused the caller something."""
        if standing := self._standings.find(caller.fingerprint):
            standing.doubt(node_id)

    def contradict(self, caller: Caller, node_id: str) -> None:
        """This node has just refused the caller a job of its own."""
        if standing := self._standings.find(caller.fingerprint):
            standing.contradict(node_id)

    def refuse(self, caller: Caller, node_id: str, answer: Answer) -> None:
        """This node has just refused the caller its list."""
        if standing := self._standings.find(caller.fingerprint):
            standing.refuse(node_id, Refusal(answer.status, answer.challenge))

    async def end(self) -> None:
        """Ask nobody any more."""
        for task in self._rounds.values():
            task.cancel()
        await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    async def _refresh(self, caller: Caller, standing: Standing) -> None:
        """Wait for a round; for another one where what this one asked was in doubt before it was answered."""
        for _ in range(2):
            doubts = standing.doubts
            answered = await asyncio.shield(self._round(caller, standing))
            if not answered and standing.until <= self._clock():
                raise NobodyToAsk("No Orthanc can be asked whether this caller may")
            if doubts == standing.doubts and standing.until > self._clock():
                return

    def _lasts(self, standing: Standing) -> bool:
        return standing.until > self._clock() and standing.has_asked(self._view.nodes)

    def _round(self, caller: Caller, standing: Standing) -> asyncio.Task[bool]:
        if caller.fingerprint not in self._rounds:
            task = asyncio.create_task(self._ask(caller, standing), name="renewal")
            self._rounds[caller.fingerprint] = task
            task.add_done_callback(lambda _: self._rounds.pop(caller.fingerprint))
        return self._rounds[caller.fingerprint]

    async def _ask(self, caller: Caller, standing: Standing) -> bool:
        """Whether any node has answered.  Where one that should speak for all says no or nothing, all are asked."""
        nodes, now, doubts = self._to_ask(standing), self._clock(), standing.doubts
        chosen, settled = standing.to_ask(nodes, now), standing.is_settled(now)
        standing.note_asked(self._view.nodes)
        answered = await self._put_to(caller, standing, chosen, alone=len(chosen) < len(nodes))
        agreed = answered and not any(standing.said(node_id) is not True for node_id in answered)
        if not agreed and len(chosen) < len(nodes):
            answered |= await self._put_to(caller, standing, [pair for pair in nodes if pair not in chosen])
            chosen = nodes
        every = dict(chosen).keys() >= dict(self._view.alive_nodes()).keys()
        if answered and doubts == standing.doubts and (every or not settled):
            standing.settle(self._view.nodes, self._clock(), every=every)
        elif not answered:
            standing.renew_at = self._clock() + TRY_AGAIN_AFTER_S
        return bool(answered)

    def _to_ask(self, standing: Standing) -> Pairs:
        """Those in doubt too, although they rest: their jobs are hidden until they are heard."""
        worth = self._fan_out.worth_asking()
        known = dict(worth)
        rest = [pair for pair in self._view.alive_nodes() if pair[0] in standing.doubted and pair[0] not in known]
        return [*worth, *rest]

    async def _put_to(self, caller: Caller, standing: Standing, nodes: Pairs, *, alone: bool = False) -> set[str]:
        """Those of these nodes that have answered."""

        asked, waited_for = standing.doubts, standing.doubted & dict(nodes).keys()

        def note(node_id: str, answer: Answer) -> None:
            standing.note(node_id, Refusal(answer.status, answer.challenge) if answer.refuses else None, asked)

        def enough(answer: Answer) -> bool:
            return answer.allows and not (waited_for & standing.doubted)

        wait = {"head_start": 0.0, "within": HEAD_START} if alone else {"head_start": HEAD_START, "within": WITHIN}
        return set(await self._fan_out.ask(caller, nodes, LIST, note=note, enough=enough, **wait))
