"""The only room that knows Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jobindex.store.address import plain_hosts
from jobindex.store.changes import Changes
from jobindex.store.connect import Clients, connected
from jobindex.store.disk import Disk
from jobindex.store.due import Due
from jobindex.store.jobs import Jobs, Stored
from jobindex.store.line import Line
from jobindex.store.logins import LoginAttempts
from jobindex.store.nodes import Nodes
from jobindex.store.nonces import Nonces
from jobindex.store.scripts import Scripts
from jobindex.store.server import Server
from jobindex.store.submissions import Submissions
from jobindex.store.tls import Tls
from jobindex.store.told import Told


class Store:
    """The index: one noun an attribute."""

    def __init__(self, clients: Clients, plain: tuple[str, ...] = ()) -> None:
        redis = clients.commands
        reporting = Line(redis.connection_pool)
        scripts, reports = Scripts(redis, Line(redis.connection_pool)), Scripts(redis, reporting)
        self.told: Told[Stored] = Told()
        self.jobs = Jobs(redis, scripts, reports, self.told)
        self.nodes = Nodes(redis, scripts, reports, self.told)
        self.nonces = Nonces(reporting)
        self.logins = LoginAttempts(scripts, reporting)
        self.changes = Changes(redis, clients.tail, scripts)
        self.submissions = Submissions(scripts)
        self.disk = Disk(redis)
        self.server = Server(clients, plain)
        self.late, self.visit, self.reap = (Due(redis, scripts, chore) for chore in ("late", "visit", "reap"))


@asynccontextmanager
async def opened(url: str, tls: Tls | None = None) -> AsyncIterator[Store]:
    """The store at a Redis address; it connects when first used."""
    async with connected(url, tls) as clients:
        yield Store(clients, plain_hosts(url))
