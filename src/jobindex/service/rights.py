"""Whether a caller may: Orthanc is asked, as the caller.

Law: a caller may do here exactly what Orthanc would let the same caller do; nobody to ask is no, not yes.
"""

import asyncio
from contextlib import suppress

from jobindex.auth.caller import Caller
from jobindex.auth.verdicts import Verdicts
from jobindex.errors import NobodyToAsk, OwnerError, OwnerSilent, Refused
from jobindex.model.node import Node
from jobindex.orthanc.client import Client
from jobindex.orthanc.wire import Answer, action_path
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
            answer = await self._client.ask(node.url, method, path, dict(caller.headers), within=WITHIN)
        except OwnerError as error:
            if isinstance(error, OwnerSilent):
                self._breaker.trip(node_id)
            return None
        self._breaker.reset(node_id)
        return answer if answer.allows or answer.refuses else None


async def _first(asked: list[asyncio.Task[Answer | None]], within: float) -> Answer | None:
    """The first word of those asked; None when all are through without one, or none came in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            for next_one in asyncio.as_completed(asked):
                if answer := await next_one:
                    return answer
    return None
