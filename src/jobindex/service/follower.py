"""Keeps the view up with the index, through the loss of Redis and of what was in it.

Law: what a client could see a moment ago doesn't vanish because Redis is away, was emptied or restarted.
In a new epoch the view writes back what only it still knows, and shows the new index when that is in it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from jobindex.errors import IndexAway, IndexFull
from jobindex.model.node import Node
from jobindex.service.lasting import lasting
from jobindex.service.memory import Memory
from jobindex.service.recent import Recent
from jobindex.service.snapshots import Snapshot, Snapshots
from jobindex.service.timing import Timing
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.changes import Change, Head
from jobindex.store.jobs import CHUNK, Stored

log = logging.getLogger(__name__)

LOOKS_UP = 0.2
"""Seconds for which the log is read on without a look at the epoch: a new one is mostly told in the log itself."""
TRIES = 1.0
"""Seconds after which it is found out again whether Redis takes what is new, however much changes."""
PAUSE = 0.25
"""Seconds between two tries to reach a Redis that is away."""
GATHERING = PAUSE + 0.1
"""Seconds of a new epoch in which every replica finds it and writes back what it knows; then it is shown."""
PURGED = "Purged"
"""What the log says as the state of a job that is gone for good."""


def whole(job: Stored) -> Stored:
    """All that the index has of a job."""
    return job


class Follower:
    """Runs for as long as the replica does; `kept` says what the view keeps of a job."""

    def __init__(
        self,
        store: Store,
        view: View,
        recent: Recent,
        timing: Timing,
        kept: Callable[[Stored], Stored] = whole,
    ) -> None:
        self._store = store
        self._view = view
        self._recent = recent
        self._timing = timing
        self._kept = kept
        self._snapshots = Snapshots(store, view, kept)
        self._memory = Memory(store, view, recent, timing)
        self._look_up = 0.0
        """When to look next whether the epoch is still the same."""
        self._try = 0.0
        """When to find out next whether Redis takes what is new."""

    async def follow(self) -> None:
        """Keep the view up until cancelled."""
        while True:
            try:
                await self._step()
                self._view.hear()
            except IndexAway as error:
                if self._view.connected:
                    log.warning("the index is away, answers come from memory: %s", error)
                self._view.connected = False
                await asyncio.sleep(PAUSE)
            except Exception:
                # A replica that shows what it knew is worth more than one that ends.
                log.exception("the index could not be followed")
                self._view.connected = False
                await asyncio.sleep(PAUSE)

    async def _step(self) -> None:
        """Read everything where the epoch is new, else what changed since."""
        if not self._view.connected or time.monotonic() > self._try:
            await self._begin()
        elif self._view.full.is_set() and time.monotonic() < self._look_up:
            return await self._read_on()
        head = await self._store.changes.head()
        self._look_up = time.monotonic() + LOOKS_UP
        if head is None or head.epoch != self._view.head.epoch or head.version < self._view.head.version:
            await self._enter_epoch()
        elif self._view.connected or head.version > self._view.head.version:
            await self._read_on()
        return await self._settle()

    async def _begin(self) -> None:
        """See to it that there is an epoch; a Redis that takes nothing new is followed all the same, and told of."""
        self._try = time.monotonic() + TRIES
        why = ""
        try:
            await self._store.changes.begin()
        except IndexFull as full:
            why = str(full)
        if self._view.note_full(why):
            log.warning("the index takes nothing new: %s", why) if why else log.warning("the index takes writes again")

    async def _read_on(self) -> None:
        """Read the log, or everything where it has a gap; a Redis that is silent is asked whether it takes writes."""
        changes = await self._store.changes.after(self._view.head.version)
        if not changes:
            await self._begin()
        elif changes[0].version != self._view.head.version + 1:
            await self._show(await self._snapshots.read())
        else:
            await self._apply(changes)

    # A new epoch.

    async def _enter_epoch(self) -> None:
        """Show the new index when it has what this replica knows, and the others have had the time to say theirs."""
        await self._begin()
        found = await self._snapshots.read()
        written = await self._memory.write_back(found)
        began = found.head
        if self._view.full.is_set():
            await asyncio.sleep(GATHERING - await self._age(began))
        if written or self._view.full.is_set():
            found = await self._snapshots.read()
        if found.head.epoch != began.epoch:
            return await self._enter_epoch()  # emptied once more: what was written back may be gone
        return await self._show(found)

    async def _age(self, head: Head) -> float:
        """Seconds since its epoch began."""
        return (await self._store.changes.now() - head.began) / 1000

    async def _show(self, found: Snapshot) -> None:
        with lasting():
            await self._view.replace(found.jobs, found.nodes)
        await self._view.move(found.head)

    # The change log.

    async def _apply(self, changes: list[Change]) -> None:
        if any(change.kind == "epoch" for change in changes):
            return await self._enter_epoch()
        for start in range(0, len(changes), CHUNK):
            part = changes[start : start + CHUNK]
            reached = replace(self._view.head, version=part[-1].version)
            names = list({change.id for change in part if change.kind == "node"})
            self._view.purged.note(change.id for change in part if change.state == PURGED)
            own, others = self._parted(part)
            jobs = await self._store.jobs.fetch(others)
            nodes = await self._store.nodes.some(names)
            if others or names:  # what this replica wrote is true whichever server says so
                await self._snapshots.check_server(reached)
            self._apply_jobs(others, own | jobs)
            self._apply_nodes(names, nodes)
            await self._view.move(reached)
        return None

    def _parted(self, changes: list[Change]) -> tuple[dict[str, Stored], list[str]]:
        """The jobs that nobody but this replica has changed, as it has told them, and the ids of the others."""
        own: dict[str, Stored] = {}
        others: dict[str, None] = {}
        for change in changes:
            if change.kind not in ("job", "gone"):
                continue
            word = self._store.told.take(change.by, change.id)
            if word is not None and self._goes_on(word):
                own[change.id] = Stored(word.id, word.text, word.record)
            else:
                others[change.id] = None
        return {job_id: word for job_id, word in own.items() if job_id not in others}, list(others)

    def _goes_on(self, word: Stored) -> bool:
        """Whether Redis made of a word what it says: it keeps what a newer version told of the job before."""
        before = self._view.jobs.get(word.id)
        return before is None or (not before.record.rest and word.record.follows(before.record))

    def _apply_jobs(self, others: list[str], found: dict[str, Stored]) -> None:
        for job in found.values():
            self._view.put(self._kept(job))
        for job_id in others:
            if job_id not in found:
                self._view.drop(job_id)
                self._recent.forget(job_id)

    def _apply_nodes(self, names: list[str], found: dict[str, Node]) -> None:
        if names:
            self._view.nodes = {name: node for name, node in self._view.nodes.items() if name not in names} | found

    # Being full.

    async def _settle(self) -> None:
        """A view is full when every known node was heard in this epoch, or has had the time to be."""
        if self._view.full.is_set():
            return
        age = await self._age(self._view.head)
        alive = [node for node in self._view.nodes.values() if node.alive and node.counts]
        heard = bool(alive) and all(node.complete == self._view.head.epoch for node in alive)
        if age >= self._timing.patience or (heard and age >= self._timing.settling):
            self._view.full.set()
            log.info("full: %d jobs of %d nodes", len(self._view.jobs), len(self._view.nodes))
