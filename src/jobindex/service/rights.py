"""Whether a caller may: Orthanc is asked, as the caller.

Law: a caller may do here exactly what Orthanc would let the same caller do; nobody to ask is no, not yes.
"""

from jobindex.auth.caller import Caller
from jobindex.auth.verdicts import Verdicts
from jobindex.errors import NobodyToAsk, OwnerSilent, OwnerUnreachable, Refused
from jobindex.orthanc.client import Client
from jobindex.orthanc.wire import Answer, action_path
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

    def __init__(self, view: View, client: Client, verdicts: Verdicts, breaker: Breaker) -> None:
        self._view = view
        self._client = client
        self._verdicts = verdicts
        self._breaker = breaker

    async def may_list(self, caller: Caller) -> None:
        """Refused or NobodyToAsk unless the caller may see the list of jobs."""
        await self.may(caller, "GET", "/jobs")

    async def may_operate(self, caller: Caller) -> None:
        """The same for what changes the cluster: whoever may act on any job may do that too."""
        await self.may(caller, "POST", action_path(NO_JOB, "cancel"))

    async def may(self, caller: Caller, method: str, path: str) -> None:
        """The same for any method and path; a yes is remembered for a short while."""
        what = f"{method} {path}"
        if self._verdicts.allowed(caller.fingerprint, what):
            return
        answer = await self._ask_any(caller, method, path)
        if answer.refuses:
            self.note_refusal(caller, answer)
        self._verdicts.allow(caller.fingerprint, what)

    def note_refusal(self, caller: Caller, answer: Answer) -> None:
        """Forget the caller's yeses, and raise the refusal."""
        self._verdicts.withdraw(caller.fingerprint)
        raise Refused(answer.status, answer.headers.get("WWW-Authenticate", ""))

    async def _ask_any(self, caller: Caller, method: str, path: str) -> Answer:
        worth = [pair for pair in self._view.alive_nodes() if not self._breaker.rests(pair[0])]
        for node_id, node in worth[:TRIES]:
            try:
                answer = await self._client.ask(node.url, method, path, dict(caller.headers), within=WITHIN)
            except OwnerUnreachable:
                continue
            except OwnerSilent:
                self._breaker.trip(node_id)
                continue
            if answer.allows or answer.refuses:
                return answer
        raise NobodyToAsk("No Orthanc can be asked whether this caller may")
