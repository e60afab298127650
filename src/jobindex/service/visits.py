"""Reads nodes that don't report by themselves: those of Orthanc's sample plugin, and those named in the settings.

What is read goes through intake as a complete report.  Each node is visited by one replica at a time.
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson

from jobindex.errors import IndexAway, MalformedReport, NodeConflict, OutOfReach, OwnerError, UnknownNode
from jobindex.logs import named
from jobindex.model.moment import moment, seconds_of
from jobindex.model.node import Node
from jobindex.model.report import MOST_JOBS, Registration, Report
from jobindex.orthanc.client import Client
from jobindex.orthanc.credentials import authorized
from jobindex.orthanc.wire import Answer
from jobindex.service.intake import Intake
from jobindex.service.poll_cache import PollCache
from jobindex.service.poll_reader import Polled, PollReader, Reading
from jobindex.service.poll_timeouts import PollTimeouts
from jobindex.service.roster import Roster
from jobindex.service.timing import Timing
from jobindex.service.tokens import Tokens
from jobindex.store import Store
from jobindex.store.due import Claim, Due

log = logging.getLogger(__name__)

AT_ONCE = 16
WITHIN = 5.0
"""Seconds that a node may take to answer, unless it is known to be slower."""
LEASE = 15_000
AFTERWARDS = 5.0
"""Seconds that are left of a lease when what was asked for has come."""
LOOKS_AGAIN = 0.5
"""Seconds after which it is looked who else is due, while somebody is being visited."""
PROMPT = 10.0
"""Seconds from one visit of a node to the next that a heartbeat allows for."""
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
        self._lists_again = 0.0
        """When named nodes are put on the list again, which an emptied Redis has lost."""
        self._cache, self._timeouts = PollCache(), PollTimeouts(WITHIN)
        self._reader = PollReader(client, intake, self._cache, self._timeouts)

    async def introduce(self, node_id: str, told: Registration, address: str, token: str) -> Node:
        """The node that gave this token, registered where it is new: a token stands for an incarnation."""
        incarnation = hashlib.sha256(token.encode()).hexdigest()[:32]
        node = await self._store.nodes.fetch(node_id)
        if node is None or node.incarnation != incarnation or not node.alive:
            await self._roster.register(node_id, incarnation, told, address, kind="sample")
            node = await self._store.nodes.fetch(node_id)
        if node is None:
            raise UnknownNode("The index was emptied this very moment")
        if not await self._tokens.of_visited(node_id, incarnation):
            await self._tokens.keep(node_id, incarnation, token)
        await self._store.visit.add(node_id)
        return node

    async def say_goodbye(self, node_id: str) -> None:
        """A visited node has told that it stops."""
        node = await self._store.nodes.fetch(node_id)
        if node is not None:
            await self._roster.stopped(node_id, node.incarnation)

    async def visit_due(self) -> bool:
        """Visit the nodes whose turn it is, until no visit is under way; a slow node keeps no other from its turn."""
        claims = await self._claims(AT_ONCE)
        under_way: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while claims or under_way:
                for claim in claims:
                    under_way.add(group.create_task(self._visit(claim), name=f"visit {claim.member}"))
                _, under_way = await asyncio.wait(under_way, timeout=LOOKS_AGAIN, return_when=asyncio.FIRST_COMPLETED)
                claims = []
                with suppress(IndexAway):
                    claims = await self._claims(AT_ONCE - len(under_way))
        return False

    async def _claims(self, most: int) -> list[Claim]:
        now = asyncio.get_running_loop().time()
        if now >= self._lists_again:
            for node_id in self._named:
                await self._store.visit.add(node_id)
            self._lists_again = now + LOOKS_AGAIN
        return await self._store.visit.claim(most, LEASE) if most else []

    async def _visit(self, claim: Claim) -> None:
        lease = _Lease(self._store.visit, claim)
        pause = self._timing.visit
        try:
            if (seconds := await self._read(claim.member, lease)) is None:
                await self._store.visit.strike(claim)
                return
            pause = seconds
        except (OwnerError, MalformedReport, NodeConflict, OutOfReach, UnknownNode, IndexAway) as error:
            log.info("node %s could not be visited: %s", claim.member, error)
        except Exception as error:
            log.exception("node %s could not be visited: %s", claim.member, named(error))
        with suppress(IndexAway):
            await lease.end(pause)

    async def _read(self, node_id: str, lease: "_Lease") -> float | None:
        """Read a node and take it in; seconds until the next visit, None where there is no such node any more."""
        node, its = await self._store.nodes.fetch(node_id), self._named.get(node_id)
        if node is None and its is None:
            return None
        if its is not None and (node is None or node.incarnation != its.incarnation):
            node = await self._register(its)
        token = await self._tokens.of_visited(node_id, node.incarnation) if node else ""
        if node is None or not (token or its):
            return self._timing.visit
        reading = await self._reader.read(Polled(node_id, node, authorized(token), lease.hold))
        return await self._take(node_id, node, reading)

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

    async def _take(self, node_id: str, node: Node, reading: Reading) -> float:
        """Take all jobs in, in parts, the last of which is complete; seconds until the next visit."""
        offset, clock, taken = await self._clock(node, reading)
        pause = self._pause(node_id, reading)
        patience = max(0.0, self._timeouts.longest(node_id) + pause - PROMPT)
        parts = [reading.jobs[start : start + MOST_JOBS] for start in range(0, len(reading.jobs), MOST_JOBS)] or [[]]
        for part in parts:
            last = part is parts[-1]
            report = Report.model_construct(
                incarnation=node.incarnation,
                taken=taken,
                clock=clock,
                ids=tuple(reading.ids) if last else (),
                complete=last,
            )
            told = await self._intake.take_jobs(node_id, report, part, offset=offset, patience=patience)
            if told.everything:
                self._cache.forget(node_id)
        node = node.model_copy(update={"clock": clock})
        self._cache.forget_gone(node_id, reading.ids.keys())
        await self._cache.keep(node_id, node, reading.listed, reading.unreadable, self._intake.view.jobs)
        self._cache.forget(node_id, told.wanted)
        await self._tokens.renew(node_id, node.incarnation)
        return pause

    def _pause(self, node_id: str, reading: Reading) -> float:
        """Where something goes on a node is read more often, but never so often that it has nothing else to do."""
        if reading.is_settled:
            return self._timing.visit
        took = asyncio.get_running_loop().time() - reading.began
        return max(self._timing.busy_visit, min(self._timing.visit, 3 * took))

    async def _clock(self, node: Node, reading: Reading) -> tuple[int, int, str]:
        """Its clock's offset (ms) and epoch, and when by that clock this was read at the latest."""
        now = await self._store.changes.now()
        ago = asyncio.get_running_loop().time() - reading.heard
        if not reading.stamp:
            taken = moment((now + node.offset) / 1000 - WITHIN)
            return node.offset, node.clock, taken
        offset = round((seconds_of(reading.stamp) + ago) * 1000) - now
        most = JUMP + max(WITHIN, reading.heard - reading.began)
        jumped = node.epoch and abs(offset - node.offset) > most * 1000
        return offset, node.clock + bool(jumped), reading.taken


class _Lease:
    """A claim that may have to last longer than usual."""

    def __init__(self, due: Due, claim: Claim) -> None:
        self._due = due
        self._claim = claim
        self._ends = asyncio.get_running_loop().time() + LEASE / 1000

    async def hold(self, within: float) -> None:
        """Make it last for what may take so many seconds, and what follows."""
        now = asyncio.get_running_loop().time()
        if now + within + AFTERWARDS > self._ends:
            self._claim = await self._due.renew(self._claim, round((within + AFTERWARDS) * 1000)) or self._claim
            self._ends = now + within + AFTERWARDS

    async def end(self, pause: float) -> None:
        await self._due.put(self._claim, round(pause * 1000))


def _system(answer: Answer) -> dict[str, object]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if answer.status != 200 or not isinstance(found, dict):
        raise MalformedReport(f"/system was answered {answer.status}, not with an object")
    return found
