"""What is passed on to the node that owns a job, as the caller.

Law: POST and DELETE reach an owner at most once; afterwards the job is read again and taken in, so that
whoever lists next, on any replica, sees what was done.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from jobindex.auth.caller import Caller
from jobindex.errors import IndexAway, MalformedReport, OwnerError, OwnerGone, OwnerSilent, UnknownNode
from jobindex.model.node import Node
from jobindex.orthanc.client import Client
from jobindex.orthanc.wire import Answer, job_path
from jobindex.service.intake import Intake
from jobindex.store.jobs import Stored

log = logging.getLogger(__name__)

READ_WITHIN = 1.0
ACT_WITHIN = 4.5
"""Seconds for an action; reading again takes one more, and the caller's answer has to come in six."""
HEAD_WITHIN = 30.0
"""Seconds until an output begins: Orthanc reads the whole file first."""
REST = 5.0
"""Seconds that a node is not asked to read again after it did not answer."""


class Relay:
    """Talks to owners."""

    def __init__(self, client: Client, intake: Intake, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._intake = intake
        self._clock = clock
        self._resting: dict[str, float] = {}

    async def read(self, caller: Caller, node_id: str, node: Node, job_id: str) -> Answer:
        """`GET /jobs/{id}` at this node; OwnerSilent at once while it rests from a time-out."""
        if self._resting.get(node_id, 0.0) > self._clock():
            raise OwnerSilent(f"{node_id} did not answer a moment ago")
        try:
            answer = await self._client.ask(node.url, "GET", job_path(job_id), dict(caller.headers), within=READ_WITHIN)
        except OwnerSilent:
            self._resting[node_id] = self._clock() + REST
            raise
        self._resting.pop(node_id, None)
        return answer

    async def send(self, caller: Caller, node_id: str, node: Node | None, method: str, path: str) -> Answer:
        """Send POST or DELETE, once; the owner's own answer."""
        if node is None or not node.may_answer:
            raise OwnerGone(f"{node_id}, which had this job, is not there any more")
        return await self._client.ask(node.url, method, path, dict(caller.headers), within=ACT_WITHIN)

    async def act(self, caller: Caller, job: Stored, node: Node | None, method: str, path: str) -> Answer:
        """Send it, read the job again and take it in."""
        answer = await self.send(caller, job.record.node, node, method, path)
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
            await self.take_in(node_id, node, answer)
        return answer

    async def take_in(self, node_id: str, node: Node, answer: Answer) -> Stored | None:
        """Take in a job that was read; what is shown, or None where the index could not be told or it is no job."""
        try:
            return await self._intake.take_reading(node_id, node, answer.body)
        except (IndexAway, UnknownNode, MalformedReport) as error:
            log.info("a job read from %s was not taken in: %s", node_id, error)
            return None

    @asynccontextmanager
    async def output(
        self, caller: Caller, node_id: str, node: Node | None, path: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An output of a job, its body still to come."""
        if node is None or not node.may_answer:
            raise OwnerGone(f"{node_id}, which had this job, is not there any more")
        async with self._client.stream(node.url, path, dict(caller.headers), within=HEAD_WITHIN) as response:
            yield response
