"""Keeps the view up with the index, through the loss of Redis and of what was in it.

Law: what a client could see a moment ago doesn't vanish because Redis is away, was emptied or restarted.
In a new epoch the view writes back what only it still knows, and shows the new index when that is in it.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

import orjson

from jobindex.errors import IndexAway
from jobindex.model.moment import seconds_of
from jobindex.model.node import Node
from jobindex.service.recent import Recent
from jobindex.service.timing import Timing
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.changes import Change, Head
from jobindex.store.jobs import CHUNK, Stored

log = logging.getLogger(__name__)

Found = tuple[Head, dict[str, Stored], dict[str, Node]]

MANY = 5000
"""Jobs that are compared in one go: some 5 ms."""
LOOKS_UP = 0.2
"""Seconds for which the log is read on without a look at the epoch: a new one is mostly told in the log itself."""
AT_ONCE = 2
"""Jobs are written back in so many rows: while Redis writes those of one, the others' are made ready."""
PAUSE = 0.25
"""Seconds between two tries to reach a Redis that is away."""
GATHERING = PAUSE + 0.1
"""Seconds of a new epoch in which every replica finds it and writes back what it knows; then it is shown."""


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
        self._look_up = 0.0
        """When to look next whether the epoch is still the same."""

    async def follow(self) -> None:
        """Keep the view up until cancelled."""
        while True:
            try:
                await self._step()
                self._view.connected, self._view.heard = True, time.monotonic()
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
        if not self._view.connected:
            await self._store.changes.begin()
        elif self._view.full.is_set() and time.monotonic() < self._look_up:
            return await self._read_on()
        head = await self._store.changes.head()
        self._look_up = time.monotonic() + LOOKS_UP
        if head is None or head.epoch != self._view.head.epoch or head.version < self._view.head.version:
            await self._enter_epoch()
        elif self._view.connected or head.version > self._view.head.version:
            await self._read_on()
        return await self._settle()

    async def _read_on(self) -> None:
        """Read the log, or everything where it has a gap; a Redis that is silent is asked whether it takes writes."""
        changes = await self._store.changes.after(self._view.head.version)
        if not changes:
            await self._store.changes.begin()
        elif changes[0].version != self._view.head.version + 1:
            await self._show(await self._read_everything())
        else:
            await self._apply(changes)

    # A new epoch.

    async def _enter_epoch(self) -> None:
        await self._store.changes.begin()
        head, jobs, nodes = found = await self._read_everything()
        missing = await self._missing(jobs)
        away = {node_id: node for node_id, node in self._view.nodes.items() if node_id not in nodes}
        if missing or away:
            log.warning(
                "the index was emptied or is another's: writing back %d jobs, %d nodes",
                len(missing),
                len(away),
            )
            await self._write_back(missing, away)
        if self._view.full.is_set():
            await asyncio.sleep(GATHERING - await self._age(head))
        if missing or away or self._view.full.is_set():
            found = await self._read_everything()
        if found[0].epoch != head.epoch:
            return await self._enter_epoch()  # emptied once more: what was written back may be gone
        return await self._show(found)

    async def _age(self, head: Head) -> float:
        """Seconds since its epoch began."""
        return (await self._store.changes.now() - head.began) / 1000

    async def _missing(self, jobs: Mapping[str, Stored]) -> list[Stored]:
        """What the view shows, or this replica has put so lately that no view may have seen it, and `jobs` lacks."""
        known = dict(self._view.jobs)
        for word in self._recent.words():
            if _is_newer(word, known.get(word.id)):
                known[word.id] = word
        missing: list[Stored] = []
        for number, (job_id, job) in enumerate(known.items()):
            if _is_newer(job, jobs.get(job_id)):
                missing.append(job)
            if number % MANY == 0:
                await asyncio.sleep(0)  # readers are answered meanwhile
        return missing

    async def _write_back(self, jobs: list[Stored], nodes: dict[str, Node]) -> None:
        """Nodes first, so that their jobs have an owner; each is late unless it reports in its usual time."""
        for node_id, node in nodes.items():
            await self._store.nodes.restore(node_id, node, round(self._timing.beat * 1000))
        parts = (jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK))
        with closing(parts):  # where one row fails the others end too
            await asyncio.gather(*(self._write_back_all(parts) for _ in range(AT_ONCE)))

    async def _write_back_all(self, parts: Iterator[list[Stored]]) -> None:
        for part in parts:
            await self._store.jobs.restore([replace(job, completed=_completed(job)) for job in part])

    async def _read_everything(self) -> Found:
        """The index at `head` or a little later; what is a little later comes again with the log.

        What the view has already is kept and not held twice: there may be a million.
        """
        head = await self._store.changes.head()
        if head is None:
            raise IndexAway("Redis was emptied this very moment")
        jobs: dict[str, Stored] = {}
        with _many_objects():
            async for chunk in self._store.jobs.everything():
                jobs.update(self._known(chunk))
        nodes = await self._store.nodes.everything()
        await self._check_server(head)
        return head, jobs, nodes

    def _known(self, chunk: Mapping[str, Stored]) -> Iterator[tuple[str, Stored]]:
        """What is kept of these jobs: the view's own where that is the same."""
        for job_id, job in chunk.items():
            kept, old = self._kept(job), self._view.jobs.get(job_id)
            yield job_id, old if old is not None and old == kept else kept

    async def _check_server(self, head: Head) -> None:
        """IndexAway unless the server that answers is one that has reached `head`.

        In a failover the log comes from the old master and what it is about from the new one: what that lacks was
        not deleted.
        """
        now = await self._store.changes.head()
        if now is None or now.epoch != head.epoch or now.version < head.version:
            raise IndexAway("another server answers by now")

    async def _show(self, found: Found) -> None:
        head, jobs, nodes = found
        self._view.replace(jobs.values(), nodes)
        await self._view.move(head)

    # The change log.

    async def _apply(self, changes: list[Change]) -> None:
        if any(change.kind == "epoch" for change in changes):
            return await self._enter_epoch()
        for start in range(0, len(changes), CHUNK):
            part = changes[start : start + CHUNK]
            reached = replace(self._view.head, version=part[-1].version)
            ids = [change.id for change in part if change.kind in ("job", "gone")]
            names = list({change.id for change in part if change.kind == "node"})
            jobs = await self._store.jobs.fetch(ids)
            nodes = await self._store.nodes.some(names)
            await self._check_server(reached)
            self._apply_jobs(ids, jobs)
            self._apply_nodes(names, nodes)
            await self._view.move(reached)
        return None

    def _apply_jobs(self, ids: list[str], found: dict[str, Stored]) -> None:
        for job_id in ids:
            if job_id in found:
                self._view.put(self._kept(found[job_id]))
            else:
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
        alive = [node for node in self._view.nodes.values() if node.alive]
        heard = bool(alive) and all(node.complete == self._view.head.epoch for node in alive)
        if age >= self._timing.patience or (heard and age >= self._timing.settling):
            self._view.full.set()
            log.info("full: %d jobs of %d nodes", len(self._view.jobs), len(self._view.nodes))


@contextmanager
def _many_objects() -> Iterator[None]:
    """What is made meanwhile stays and is in no cycle, so Python need not look through it again and again.

    With a million jobs one such look stops a replica for half a second.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def _is_newer(mine: Stored, theirs: Stored | None) -> bool:
    if theirs is None:
        return True
    same = (mine.record.node, mine.record.incarnation) == (theirs.record.node, theirs.record.incarnation)
    return same and mine.record.order > theirs.record.order


def _completed(job: Stored) -> int:
    """When a finished job ended, ms; 0 for the others."""
    text = orjson.loads(job.text).get("CompletionTime")
    return round(seconds_of(text) * 1000) if text else 0
