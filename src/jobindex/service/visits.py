"""Reads nodes that don't report by themselves: those of Orthanc's sample plugin, and those named in the settings.

What is read goes through intake as a complete report.  Each node is visited by one replica at a time.
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from jobindex.errors import IndexAway, MalformedReport, NodeConflict, OutOfReach, OwnerError, UnknownNode
from jobindex.model.job import Job, read_job
from jobindex.model.moment import moment, seconds_of
from jobindex.model.node import Node
from jobindex.model.report import MOST_JOBS, Registration, Report
from jobindex.model.text import compact, elements
from jobindex.orthanc.client import Client
from jobindex.orthanc.credentials import authorized
from jobindex.orthanc.wire import Answer
from jobindex.service.intake import Intake
from jobindex.service.roster import Roster
from jobindex.service.timing import Timing
from jobindex.service.tokens import Tokens
from jobindex.store import Store
from jobindex.store.due import Claim

log = logging.getLogger(__name__)

AT_ONCE = 16
WITHIN = 5.0
LEASE = 15_000
JUMP = 2.0
"""Seconds by which a visited node's clock must step for its stamps to count anew."""


@dataclass(frozen=True, slots=True)
class Named:
    """A node of the settings: its address, and the Authorization header to read it with."""

    id: str
    url: str
    authorization: str

    @property
    def incarnation(self) -> str:
        """One for as long as it is named so: nothing tells when its process was replaced."""
        return hashlib.sha256(f"{self.id} {self.url}".encode()).hexdigest()[:32]


class Visits:
    """Keeps up the nodes that have to be asked."""

    def __init__(
        self,
        store: Store,
        client: Client,
        roster: Roster,
        intake: Intake,
        tokens: Tokens,
        named: Sequence[Named],
        timing: Timing,
    ) -> None:
        self._store = store
        self._client = client
        self._roster = roster
        self._intake = intake
        self._tokens = tokens
        self._named: Mapping[str, Named] = {each.id: each for each in named}
        self._timing = timing

    async def introduce(self, node_id: str, told: Registration, address: str, token: str) -> Node:
        """The node that gave this token, registered where it is new: a token stands for an incarnation."""
        incarnation = hashlib.sha256(token.encode()).hexdigest()[:32]
        node = await self._store.nodes.fetch(node_id)
        if node is None or node.incarnation != incarnation or not node.alive:
            await self._roster.register(node_id, incarnation, told, address, kind="sample")
            await self._tokens.keep(node_id, incarnation, token)
            node = await self._store.nodes.fetch(node_id)
        if node is None:
            raise UnknownNode("The index was emptied this very moment")
        await self._store.visit.add(node_id)
        return node

    async def say_goodbye(self, node_id: str) -> None:
        """A visited node has told that it stops."""
        node = await self._store.nodes.fetch(node_id)
        if node is not None:
            await self._roster.stopped(node_id, node.incarnation)

    async def visit_due(self) -> bool:
        """Visit the nodes whose turn it is; whether there may be more."""
        for node_id in self._named:
            await self._store.visit.add(node_id)
        claims = await self._store.visit.claim(AT_ONCE, LEASE)
        await asyncio.gather(*(self._visit(claim) for claim in claims))
        return len(claims) == AT_ONCE

    async def _visit(self, claim: Claim) -> None:
        named = self._named.get(claim.member)
        node = await self._store.nodes.fetch(claim.member)
        if node is None and named is None:
            await self._store.visit.strike(claim)
            return
        pause = self._timing.visit
        try:
            pause = await self._read(claim.member, node, named)
        except (OwnerError, MalformedReport, NodeConflict, OutOfReach, UnknownNode, IndexAway) as error:
            log.info("node %s could not be visited: %s", claim.member, error)
        await self._store.visit.put(claim, round(pause * 1000))

    async def _read(self, node_id: str, node: Node | None, named: Named | None) -> float:
        """Read a node and take it in; seconds until the next visit."""
        if named is not None and (node is None or node.incarnation != named.incarnation):
            node = await self._register(named)
        token = await self._tokens.of(node_id, node.incarnation) if node else ""
        if node is None or not token:
            return self._timing.visit
        answer = await self._client.ask(node.url, "GET", "/jobs?expand", authorized(token), within=WITHIN)
        return await self._take(node_id, node, _jobs(answer))

    async def _register(self, named: Named) -> Node | None:
        credentials = authorized(named.authorization)
        answer = await self._client.ask(named.url, "GET", "/system", credentials, within=WITHIN)
        system = _system(answer)
        told = Registration.model_validate(
            {
                "Name": str(system.get("Name", named.id)),
                "Url": named.url,
                "Version": str(system.get("Version", "")),
            }
        )
        await self._roster.register(named.id, named.incarnation, told, "", kind="named")
        return await self._store.nodes.fetch(named.id)

    async def _take(self, node_id: str, node: Node, jobs: list[Job]) -> float:
        """Take all jobs in, in parts, the last of which is complete; seconds until the next visit."""
        offset, clock, taken = await self._clock(node, jobs)
        parts = [jobs[start : start + MOST_JOBS] for start in range(0, len(jobs), MOST_JOBS)] or [[]]
        for part in parts:
            told = {"Taken": taken, "Clock": clock, "Jobs": tuple(job.text.decode() for job in part)}
            if part is parts[-1]:
                told |= {"Ids": tuple(job.id for job in jobs), "Complete": True}
            report = Report.model_validate({"Incarnation": node.incarnation, **told})
            await self._intake.take(node_id, report, "", offset=offset)
        await self._tokens.renew(node_id, node.incarnation)
        return self._timing.visit if all(job.final for job in jobs) else self._timing.busy_visit

    async def _clock(self, node: Node, jobs: list[Job]) -> tuple[int, int, str]:
        """Its clock's offset (ms) and epoch, and when by that clock this was read at the latest."""
        now = await self._store.changes.now()
        if not jobs:
            return node.offset, node.clock, moment((now + node.offset) / 1000 - WITHIN)
        taken = min(job.stamp for job in jobs)
        offset = round(seconds_of(taken) * 1000) - now
        jumped = node.epoch and abs(offset - node.offset) > (JUMP + WITHIN) * 1000
        return offset, node.clock + bool(jumped), taken


def _jobs(answer: Answer) -> list[Job]:
    text = compact(answer.body)
    if answer.status != 200 or not text.startswith(b"["):
        raise MalformedReport(f"/jobs?expand was answered {answer.status}, not with a list of jobs")
    return [read_job(element) for element in elements(text)]


def _system(answer: Answer) -> dict[str, object]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if answer.status != 200 or not isinstance(found, dict):
        raise MalformedReport(f"/system was answered {answer.status}, not with an object")
    return found
