"""Job look-up: in the index as it is when asked, then at all nodes, as the caller.

Laws: whoever looks a job up sees every write that was acknowledged before, on any replica; and a job that the index
never had is 404 only if every node that is alive said so, or refuses a caller whom another lets in.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from jobindex.auth.caller import Caller
from jobindex.errors import NobodyToAsk, NotEverybodyAnswered, OwnerError, TooOften
from jobindex.model.node import Node
from jobindex.orthanc.wire import Answer, job_path
from jobindex.service.freshness import Freshness
from jobindex.service.pace import Pace
from jobindex.service.relay import READ_WITHIN, Relay
from jobindex.service.rights import NO_JOB, Rights
from jobindex.service.view import View
from jobindex.store.jobs import Stored

FRESH = 0.15
"""Seconds that a job may need from its creation to the view."""
WITHIN = READ_WITHIN + 0.1
"""Seconds for all nodes together: a little more than one gets, so that who is silent is found out."""
AT_ONCE = 64
UNKNOWN_LASTS = 60.0
"""Seconds that an id which nobody has is not asked for again, while the same nodes run: ids are random, so that nobody
asks for one before its job is made, and what a node says of it comes first."""
MOST_UNKNOWN = 10_000
PER_SECOND, AT_FIRST = 5.0, 300
"""Ids that nobody has and that one caller may ask for: each costs as many requests as there are nodes.  A page that was
open over night asks for all that it shows at once."""


class Unknown(NamedTuple):
    """Until when an id is known to be nobody's, as long as these nodes run."""

    until: float
    nodes: int


class Search:
    """Looks for ids in the view, then at the nodes."""

    def __init__(
        self,
        view: View,
        freshness: Freshness,
        relay: Relay,
        rights: Rights,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._view = view
        self._freshness = freshness
        self._relay = relay
        self._rights = rights
        self._clock = clock
        self._pace = Pace(PER_SECOND, AT_FIRST, clock)
        self._unknown: OrderedDict[tuple[str, str], Unknown] = OrderedDict()

    async def find(self, caller: Caller, job_id: str) -> Stored | None:
        """The job, or None when it was dropped, or every living node says that there is none that it may see.

        NotEverybodyAnswered or NobodyToAsk where that can't be said, Refused where no node lets the caller in,
        TooOften where the caller has asked for many such ids.
        """
        await self._freshness.catch_up()
        job = self._view.jobs.get(job_id)
        if job is not None:
            return job
        if (former := self._view.dropped.owner(job_id)) is not None:
            return await self._ask_former(caller, former, job_id)
        if self._is_unknown(caller, job_id):
            return None
        return await self._view.await_job(job_id, FRESH) or await self._ask_all(caller, job_id)

    async def _ask_former(self, caller: Caller, node_id: str, job_id: str) -> Stored | None:
        """What the last owner of a dropped job has after all; nobody else can have it."""
        node = self._view.nodes.get(node_id)
        if node is None:
            return None
        try:
            answer = await self._relay.read(caller, node_id, node, job_id)
        except OwnerError:
            return None
        if answer.refuses:
            await self._rights.refuse(caller, node_id, answer)
        return await self._relay.take_in(node_id, node, job_id, answer) if answer.status == 200 else None

    async def _ask_all(self, caller: Caller, job_id: str) -> Stored | None:
        counting = self._view.alive_nodes()
        if not counting:
            raise NobodyToAsk("No Orthanc can be asked for this job")
        asker = caller.fingerprint + caller.address
        if not self._pace.take(asker):
            raise TooOften("Too many unknown jobs were asked for", 1)
        nodes = [*counting, *self._view.unreadable_nodes()]
        gate = asyncio.Semaphore(AT_ONCE)
        asked = [asyncio.create_task(self._ask(gate, caller, *pair, job_id), name="search") for pair in nodes]
        answers = await _gathered(asked)
        found = await self._found(nodes, answers, job_id)
        if found is not None:
            self._pace.give_back(asker)
            return found
        answers = answers[: len(counting)]
        if not any(answer is not None and answer.allows for answer in answers):
            await self._refuse(caller, counting, answers)
        if any(answer is None or not (answer.status == 404 or answer.refuses) for answer in answers):
            raise NotEverybodyAnswered("Not every Orthanc could be asked for this job")
        self._remember(caller, job_id)
        return None

    async def _ask(
        self, gate: asyncio.Semaphore, caller: Caller, node_id: str, node: Node, job_id: str
    ) -> Answer | None:
        async with gate:
            try:
                return await self._relay.read(caller, node_id, node, job_id)
            except OwnerError:
                return None

    async def _found(self, nodes: list[tuple[str, Node]], answers: list[Answer | None], job_id: str) -> Stored | None:
        for (node_id, node), answer in zip(nodes, answers, strict=True):
            if answer is not None and answer.status == 200:
                return await self._relay.take_in(node_id, node, job_id, answer)
        return None

    async def _refuse(self, caller: Caller, nodes: list[tuple[str, Node]], answers: list[Answer | None]) -> None:
        """Raise the refusal of a caller whom no node lets in; a 403 first, for that node knows the caller."""
        said = [(answer, node_id) for (node_id, _), answer in zip(nodes, answers, strict=True) if answer is not None]
        refusals = [(answer, node_id) for answer, node_id in said if answer.refuses]
        if refusals:
            answer, node_id = max(refusals, key=lambda pair: pair[0].status)
            await self._rights.refuse(caller, node_id, answer)

    def _is_unknown(self, caller: Caller, job_id: str) -> bool:
        """Whether all nodes said so a moment ago, and have not been started again, joined by others or taken in."""
        unknown = self._unknown.get((caller.fingerprint, job_id))
        return unknown is not None and unknown.until > self._clock() and unknown.nodes == self._running()

    def _running(self) -> int:
        """Stands for the nodes that were asked, and for no others."""
        return hash(frozenset((node_id, node.incarnation) for node_id, node in self._view.alive_nodes()))

    def _remember(self, caller: Caller, job_id: str) -> None:
        self._rights.note_yes(caller, "GET", job_path(NO_JOB))
        self._unknown[caller.fingerprint, job_id] = Unknown(self._clock() + UNKNOWN_LASTS, self._running())
        while len(self._unknown) > MOST_UNKNOWN:
            self._unknown.popitem(last=False)


async def _gathered(asked: list[asyncio.Task[Answer | None]]) -> list[Answer | None]:
    """The answers that came in time and before one has the job; the others are None, and nobody waits for them."""
    try:
        async with asyncio.timeout(WITHIN):
            for next_one in asyncio.as_completed(asked):
                answer = await next_one
                if answer is not None and answer.status == 200:
                    break
    except TimeoutError:
        pass
    done = [task.result() if task.done() else None for task in asked]
    for task in asked:
        task.cancel()
    return done
