"""What is passed on to the node that owns a job, on behalf of the caller.

Law: POST and DELETE reach an owner at most once; afterwards the job is read again and taken in, so that
whoever lists next, on any replica, sees what was done.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jobindex.auth.caller import Caller
from jobindex.errors import (
    IndexAway,
    MalformedReport,
    OwnerError,
    OwnerGone,
    OwnerSilent,
    OwnerUnreachable,
    UnknownNode,
)
from jobindex.logs import named
from jobindex.model.node import Node
from jobindex.orthanc.output import Output
from jobindex.orthanc.wire import Answer, job_path
from jobindex.service.asking import Asking
from jobindex.service.breaker import Breaker
from jobindex.service.intake import Intake
from jobindex.store.jobs import Stored

log = logging.getLogger(__name__)

READ_WITHIN = 1.0
ACT_WITHIN = 4.5
"""Seconds for an action; reading again takes one more, and the caller's answer has to come in six."""
HEAD_WITHIN = 590.0
"""Seconds until an output begins: Orthanc reads the whole file first.  A little less than nginx waits (600), so that
whoever waited in vain gets our answer."""
TELL_WITHIN = 0.4
"""Seconds that a caller waits for what was read to be in the index; a Redis that takes longer is away."""


class Relay:
    """Talks to owners."""

    def __init__(self, asking: Asking, intake: Intake, breaker: Breaker) -> None:
        self._asking = asking
        self.intake = intake
        self._breaker = breaker

    async def read(self, caller: Caller, node_id: str, node: Node, job_id: str) -> Answer:
        """`GET /jobs/{id}` at this node; OwnerUnreachable at once while it rests from a time-out."""
        return await self._ask(caller, node_id, node, "GET", job_path(job_id), READ_WITHIN)

    async def send(self, caller: Caller, node_id: str, node: Node | None, method: str, path: str) -> Answer:
        """Send POST or DELETE, once; the owner's own answer."""
        return await self._ask(caller, node_id, node, method, path, ACT_WITHIN)

    async def act(self, caller: Caller, job: Stored, node: Node | None, method: str, path: str) -> Answer:
        """Send it, read the job again and take it in."""
        answer = await self.send(caller, job.record.node, node, method, path)
        if method == "DELETE" and 200 <= answer.status < 300:
            self.intake.note_deletion(job.id)
        if node is not None and not answer.refuses:
            await self.read_again(caller, job.record.node, node, job.id)
        return answer

    async def read_again(self, caller: Caller, node_id: str, node: Node, job_id: str) -> Answer | None:
        """Read a job that may have changed and take it in; what can't be done is left to the node's next report."""
        try:
            answer = await self.read(caller, node_id, node, job_id)
        except OwnerError:
            return None
        if answer.status == 200:
            await self.take_in(node_id, node, job_id, answer)
        return answer

    async def take_in(
        self, node_id: str, node: Node, job_id: str, answer: Answer, cut: Sequence[str] = ()
    ) -> Stored | None:
        """Take in a job that was read; the job, also where the index can't be told, or None where it isn't that job."""
        try:
            word = self.intake.reading(node_id, node, answer.body, cut)
        except MalformedReport:
            return None
        if word.id != job_id:
            return None
        try:
            async with asyncio.timeout(TELL_WITHIN):
                await self.intake.take_reading(word)
        except (IndexAway, UnknownNode, TimeoutError) as error:
            log.info("a job read from %s is left to its next report: %s", node_id, named(error))
        return word

    @asynccontextmanager
    async def output(
        self, caller: Caller, node_id: str, node: Node | None, path: str, within: float = HEAD_WITHIN
    ) -> AsyncIterator[Output]:
        """An output of a job, its body still to come."""
        owner = self._worth_asking(node_id, node)
        async with self._asking.stream(caller, node_id, owner, path, within=within) as output:
            yield output

    async def _ask(
        self, caller: Caller, node_id: str, node: Node | None, method: str, path: str, within: float
    ) -> Answer:
        owner = self._worth_asking(node_id, node)
        try:
            answer = await self._asking.ask(caller, node_id, owner, method, path, within=within)
        except OwnerSilent:
            self._breaker.trip(node_id)
            raise
        self._breaker.reset(node_id)
        return answer

    def _worth_asking(self, node_id: str, node: Node | None) -> Node:
        if node is None or not node.may_answer:
            raise OwnerGone(f"{node_id}, which had this job, is not there any more")
        if self._breaker.rests(node_id):
            raise OwnerUnreachable(f"{node_id} did not answer a moment ago, and was not asked again")
        return node
