"""The services of one replica on a real Redis, put together as the composition root does it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import orjson

from jobindex.auth.caller import Caller
from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault
from jobindex.auth.verdicts import Verdicts
from jobindex.model.report import Acknowledgement
from jobindex.orthanc import client as orthanc
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.tls import tls_context
from jobindex.service.asking import AsCaller
from jobindex.service.breaker import Breaker
from jobindex.service.follower import Follower
from jobindex.service.freshness import Freshness
from jobindex.service.intake import Intake
from jobindex.service.listing import Listing
from jobindex.service.losses import Losses
from jobindex.service.reader import Reader
from jobindex.service.recent import Recent
from jobindex.service.refresh import Refresh
from jobindex.service.relay import Relay
from jobindex.service.removal import Removal
from jobindex.service.rights import Rights
from jobindex.service.roster import Roster
from jobindex.service.search import Search
from jobindex.service.timing import Timing
from jobindex.service.tokens import Tokens
from jobindex.service.view import View
from jobindex.service.visits import Named, Visits
from jobindex.settings import LOOPBACK, PRIVATE
from jobindex.store import Store
from jobindex.store.jobs import Stored

from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc
from ..waiting import HandClock, until
from ..words import INCARNATION, complete, job_id, report

CALLER = Caller((("Authorization", AUTHORIZATION),))
STRANGER = Caller(())
PATIENT = Timing(beat=60.0, settling=0.0, patience=0.0)
"""Nobody is late while a test runs, and a view is full at once."""


class Services:
    """What a replica decides with, its clocks moved by hand."""

    def __init__(self, store: Store, client: orthanc.Client, timing: Timing, named: Sequence[Named]) -> None:
        self.store = store
        self.client = client
        self.timing = timing
        self.clock = HandClock()
        self.view = View()
        self.view.connected = True
        self.listing = Listing(self.view)
        self.recent = Recent(self.clock)
        self.freshness = Freshness(store.changes, self.view)
        self.losses = Losses(store)
        self.roster = Roster(store, client, self.losses, timing)
        self.intake = Intake(store, self.view, self.roster, self.losses, self.freshness, self.recent)
        self.breaker = Breaker(self.clock)
        self.asking = AsCaller(client)
        self.rights = Rights(self.view, self.asking, Verdicts(self.clock), self.breaker)
        self.relay = Relay(self.asking, self.intake, self.breaker)
        self.search = Search(self.view, self.freshness, self.relay, self.rights, self.clock)
        self.reader = Reader(self.view, self.freshness, self.relay, self.rights, self.search)
        self.removal = Removal(store, self.view, self.relay, self.rights, timing)
        self.refresh = Refresh(self.view, self.asking, self.intake, self.rights, Breaker(self.clock))
        fixed = {each.id: each.authorization for each in named}
        self.tokens = Tokens(store.nodes, Vault(Keyring("x" * 16)), fixed, timing.gone, self.clock)
        self.visits = Visits(store, client, self.roster, self.intake, self.tokens, named, timing)
        self.follower = Follower(store, self.view, self.recent, timing)

    async def say(self, node: str, *jobs: bytes, at: ScriptedOrthanc | None = None, **more: object) -> Acknowledgement:
        """A report of a node, seen to its end; `at` makes it register at that server's address."""
        if at is not None:
            more["Url"] = at.url
        answer = await self.intake.take(node, report(*jobs, **more), "127.0.0.1")
        await self.show()
        return answer

    async def say_all(self, node: str, *jobs: bytes, **more: object) -> Acknowledgement:
        """A complete report of a registered node."""
        answer = await self.intake.take(node, complete(*jobs, **more), "127.0.0.1")
        await self.show()
        return answer

    async def show(self) -> None:
        """Wait until the view is as far as the index."""
        await until(self.freshness.catch_up)

    async def settled(self) -> None:
        """Wait until no caller's standing is being renewed."""
        await until(lambda: not {task.get_name() for task in asyncio.all_tasks()} & {"renewal", "fan-out"})

    async def end(self, node: str, state: str, incarnation: str = INCARNATION) -> None:
        """Put a node into a state, without waiting for it to get there."""
        await self.store.nodes.change_state(node, incarnation, state, 60_000)
        await self.show()

    def state(self, number: int = 1) -> str:
        """What the view shows as a job's state; "" for none."""
        job = self.view.jobs.get(job_id(number))
        return job.record.state if job else ""

    def shown(self, number: int = 1) -> dict[str, object]:
        """A job as clients see it."""
        return read(self.listing, self.view.jobs[job_id(number)])


def read(listing: Listing, job: Stored) -> dict[str, object]:
    found = orjson.loads(listing.job(job))
    assert isinstance(found, dict)
    return found


@asynccontextmanager
async def following(services: Services) -> AsyncIterator[None]:
    """As long as this lasts, the view follows the index."""
    task = asyncio.create_task(services.follower.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def idle_on(store: Store, timing: Timing = PATIENT, named: Sequence[Named] = ()) -> AsyncIterator[Services]:
    """The services, the view of which does not follow yet."""
    async with orthanc.opened(Reach(LOOPBACK + PRIVATE), tls_context()) as client:
        yield Services(store, client, timing, named)


@asynccontextmanager
async def services_on(store: Store, timing: Timing = PATIENT, named: Sequence[Named] = ()) -> AsyncIterator[Services]:
    """The services, the view of which has seen the whole index and follows it."""
    async with idle_on(store, timing, named) as services, following(services):
        await until(services.view.full.is_set)
        yield services
