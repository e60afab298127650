"""Whether a caller may: Orthanc is asked, as the caller, unless a proxy in front has decided.

Law: a caller may do here exactly what Orthanc would let the same caller do; nobody to ask is no, not yes.
"""

from jobindex.auth.caller import Caller
from jobindex.auth.verdicts import Refusal, Verdicts
from jobindex.errors import NobodyToAsk, OwnerSilent, OwnerUnreachable, Refused
from jobindex.orthanc.wire import Answer, action_path
from jobindex.service.asking import Asking
from jobindex.service.breaker import Breaker
from jobindex.service.view import View

TRIES = 3
"""Nodes that are asked, one after the other, before the answer is that nobody can be."""
WITHIN = 0.6
"""Seconds for each: two that don't answer still leave time for a third within the budget of a list."""

NO_JOB = "00000000-0000-0000-0000-000000000000"
"""An id that no job has: acting on it changes nothing and still shows whether the caller may act."""


class Rights:
    """Asks any living node whether it would let this caller do this."""

    def __init__(self, view: View, asking: Asking, verdicts: Verdicts, breaker: Breaker) -> None:
        self._view = view
        self._asking = asking
        self._verdicts = verdicts
        self._breaker = breaker

    async def may_list(self, caller: Caller) -> None:
        """Refused or NobodyToAsk unless the caller may see the list of jobs."""
        await self.may(caller, "GET", "/jobs")

    async def may_operate(self, caller: Caller) -> None:
        """The same for what changes the cluster: whoever may act on any job may do that too."""
        await self.may(caller, "POST", action_path(NO_JOB, "cancel"))

    async def may(self, caller: Caller, method: str, path: str) -> None:
        """The same for any method and path; a yes is remembered for a short while, a no for a shorter one."""
        who, what = caller.fingerprint, f"{method} {path}"
        if refusal := self._verdicts.refusal(who, what):
            raise Refused(refusal.status, refusal.challenge)
        if self._verdicts.allowed(who, what):
            return
        answer = await self._ask_any(caller, method, path)
        if answer.refuses:
            self._verdicts.refuse(who, what, Refusal(answer.status, answer.challenge))
            self.note_refusal(caller, answer)
        self._verdicts.allow(who, what)

    def note_refusal(self, caller: Caller, answer: Answer) -> None:
        """Forget the caller's yeses, and raise the refusal."""
        self._verdicts.withdraw(caller.fingerprint)
        raise Refused(answer.status, answer.challenge)

    async def _ask_any(self, caller: Caller, method: str, path: str) -> Answer:
        worth = [pair for pair in self._view.alive_nodes() if not self._breaker.rests(pair[0])]
        for node_id, node in worth[:TRIES]:
            try:
                answer = await self._asking.ask(caller, node_id, node, method, path, within=WITHIN)
            except OwnerUnreachable:
                continue
            except OwnerSilent:
                self._breaker.trip(node_id)
                continue
            if answer.allows or answer.refuses:
                return answer
        raise NobodyToAsk("No Orthanc can be asked whether this caller may")


class Granted(Rights):
    """Where a proxy in front has decided whom it lets in: no node is asked, and so there is always an answer."""

    async def may(self, caller: Caller, method: str, path: str) -> None:
        return
