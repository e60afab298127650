"""Whether a caller may: Orthanc is asked, as the caller, unless a proxy in front has decided.

Law: a caller may do here exactly what Orthanc would let the same caller do; nobody to ask is no, not yes.
"""

import asyncio
from contextlib import suppress

from jobindex.auth.caller import Caller
from jobindex.auth.verdicts import Refusal, Verdicts
from jobindex.errors import NobodyToAsk, OwnerError, OwnerSilent, Refused
from jobindex.model.node import Node
from jobindex.orthanc.wire import Answer, action_path
from jobindex.service.asking import Asking
from jobindex.service.breaker import Breaker
from jobindex.service.view import View

TRIES = 3
"""Nodes that are asked before the answer is that nobody can be."""
WITHIN = 1.5
"""Seconds for all of them: the budget of a list."""
HEAD_START = 0.5
"""Seconds until the next one is asked too; the word of those that are slower still counts."""

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

    def still_lists(self, fingerprint: str) -> bool:
        """Whether the yes to a caller of this fingerprint still lasts; nobody is asked."""
        what = "GET /jobs"
        return self._verdicts.allowed(fingerprint, what) and not self._verdicts.refusal(fingerprint, what)

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
        """The first word of a node on this caller."""
        asked: list[asyncio.Task[Answer | None]] = []
        answer = None
        async with asyncio.TaskGroup() as tasks:
            ends = asyncio.get_running_loop().time() + WITHIN
            for node_id, node in self._worth_asking():
                asked.append(tasks.create_task(self._ask(node_id, node, caller, method, path)))
                answer = await _first(asked, HEAD_START)
                if answer is not None:
                    break
                if not asked[-1].done():
                    self._breaker.trip(node_id)
            answer = answer or await _first(asked, ends - asyncio.get_running_loop().time())
            for task in asked:
                task.cancel()
        if answer is None:
            raise NobodyToAsk("No Orthanc can be asked whether this caller may")
        return answer

    def _worth_asking(self) -> list[tuple[str, Node]]:
        """Those that rest are left alone, unless all do: then it is more likely that we or the machine are slow."""
        nodes = self._view.alive_nodes()
        awake = [pair for pair in nodes if not self._breaker.rests(pair[0])]
        return (awake or nodes)[:TRIES]

    async def _ask(self, node_id: str, node: Node, caller: Caller, method: str, path: str) -> Answer | None:
        try:
            answer = await self._asking.ask(caller, node_id, node, method, path, within=WITHIN)
        except OwnerError as error:
            if isinstance(error, OwnerSilent):
                self._breaker.trip(node_id)
            return None
        self._breaker.reset(node_id)
        return answer if answer.allows or answer.refuses else None


class Granted(Rights):
    """Where a proxy in front has decided whom it lets in: no node is asked, and so there is always an answer."""

    async def may(self, caller: Caller, method: str, path: str) -> None:
        return

    def still_lists(self, fingerprint: str) -> bool:
        return True


async def _first(asked: list[asyncio.Task[Answer | None]], within: float) -> Answer | None:
    """The first word of those asked; None when all are through without one, or none came in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            for next_one in asyncio.as_completed(asked):
                if answer := await next_one:
                    return answer
    return None
