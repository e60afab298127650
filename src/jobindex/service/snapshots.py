"""Reads the whole index as it is at one moment, from one server.

Law: in a failover the log comes from the old master and what it is about from the new one; what that lacks was not
deleted.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from jobindex.errors import IndexAway
from jobindex.model.node import Node
from jobindex.service.lasting import lasting
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored


class Snapshot(NamedTuple):
    """The index at `head` or a little later; what is a little later comes again with the log."""

    head: Head
    jobs: dict[str, Stored]
    nodes: dict[str, Node]
    purged: set[str]


class Snapshots:
    """`kept` says what is kept of a job; what the view has already is not held twice: there may be a million."""

    def __init__(self, store: Store, view: View, kept: Callable[[Stored], Stored]) -> None:
        self._store = store
        self._view = view
        self._kept = kept

    async def read(self) -> Snapshot:
        """All there is; IndexAway where the server is replaced meanwhile."""
        head = await self._store.changes.head()
        if head is None:
            raise IndexAway("Redis was emptied this very moment")
        jobs: dict[str, Stored] = {}
        with lasting():
            async for chunk in self._store.jobs.everything(self._view.jobs):
                jobs.update(self._known(chunk))
        nodes = await self._store.nodes.everything()
        purged = await self._store.jobs.purged()
        await self.check_server(head)
        self._view.purged.note(purged)
        return Snapshot(head, jobs, nodes, purged)

    async def check_server(self, head: Head) -> None:
        """IndexAway unless the server that answers is one that has reached `head`."""
        now = await self._store.changes.head()
        if now is None or now.epoch != head.epoch or now.version < head.version:
            raise IndexAway("another server answers by now")

    def _known(self, chunk: Mapping[str, Stored]) -> Iterator[tuple[str, Stored]]:
        """What is kept of these jobs: the view's own where that is the same."""
        for job_id, job in chunk.items():
            old = self._view.jobs.get(job_id)
            kept = job if job is old else self._kept(job)
            yield job_id, old if old is not None and old == kept else kept
