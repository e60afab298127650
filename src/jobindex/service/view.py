"""A replica's own copy of the index, in memory: what requests are answered from.

It only holds and tells; `follower` keeps it up with the index.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from jobindex.deadline import Deadline
from jobindex.model.node import Node
from jobindex.service.dropped import Dropped
from jobindex.service.purged import Purged
from jobindex.service.shelves import Shelves
from jobindex.service.turns import in_turns
from jobindex.store.changes import Head
from jobindex.store.jobs import Stored


class Watcher(Protocol):
    """Is told of each job that is about to be shown otherwise, or no more, and how it was shown before."""

    def note(self, job_id: str, before: Stored | None) -> None: ...


class View:
    """Nodes and jobs by id, and how far they are."""

    def __init__(self) -> None:
        self.jobs: dict[str, Stored] = {}
        self.nodes: dict[str, Node] = {}
        self.shelves = Shelves()
        self.dropped = Dropped()
        self.purged = Purged()
        self.head = Head("", 0, 0)
        """The epoch and version that this view has reached."""
        self.connected = False
        """Whether Redis answered last time."""
        self.full_index = ""
        """Why Redis takes nothing new; "" while it does."""
        self._full_since = 0.0
        self.heard = time.monotonic()
        """When it did."""
        self.full = asyncio.Event()
        """Set once the view has seen the whole index; see `follower`."""
        self.size = 0
        """Bytes of all jobs' texts."""
        self._watchers: list[Watcher] = []
        self._on_node: dict[str, set[str]] = {}
        self._moved = asyncio.Condition()

    @property
    def ids(self) -> list[str]:
        """The ids of all jobs, sorted."""
        return [job_id for shelf in self.shelves for job_id in shelf.ids]

    def on_node(self, node_id: str) -> set[str]:
        """The ids of the jobs that this node has, as far as is known."""
        return self._on_node.get(node_id, set())

    def owner(self, job: Stored) -> Node | None:
        return self.nodes.get(job.record.node)

    def owner_id(self, job_id: str) -> str:
        """The id of the node that owns this job; "" where the job is unknown."""
        job = self.jobs.get(job_id)
        return job.record.node if job else ""

    def alive_nodes(self) -> list[tuple[str, Node]]:
        """The nodes worth asking, those that report before those that are late."""
        worth = [(node_id, node) for node_id, node in self.nodes.items() if node.counts]
        return sorted(worth, key=lambda pair: not pair[1].alive)

    def unreadable_nodes(self) -> list[tuple[str, Node]]:
        """Those whose plugin can't read them: what they have may be asked for, and what they lack says nothing."""
        return [(node_id, node) for node_id, node in self.nodes.items() if node.may_answer and not node.counts]

    @property
    def age(self) -> float:
        """Seconds since Redis answered last, or took what is new: how old what is shown may be."""
        return time.monotonic() - (min(self.heard, self._full_since) if self.full_index else self.heard)

    # What the follower does.

    def hear(self) -> None:
        """Redis answered just now."""
        self.connected, self.heard = True, time.monotonic()

    def note_full(self, why: str) -> bool:
        """Redis takes nothing new for this reason ("": it does); whether that is news."""
        news = bool(why) != bool(self.full_index)
        if news:
            self._full_since = time.monotonic()
        self.full_index = why
        return news

    def put(self, job: Stored) -> None:
        """Show a job as it is now."""
        before = self.jobs.get(job.id)
        self._note(job.id, before, len(job.text))
        self.shelves.put(job.id)
        if before is not None and before.record.node != job.record.node:
            self.on_node(before.record.node).discard(job.id)
        self.jobs[job.id] = job
        held = self._on_node.setdefault(job.record.node, set())
        held.add(job.id) if job.record.on_node else held.discard(job.id)

    def drop(self, job_id: str) -> None:
        """Show a job no more, since the index has given it up."""
        job = self._remove(job_id)
        if job is not None:
            self.dropped.note(job_id, job.record.node)

    def _remove(self, job_id: str) -> Stored | None:
        job = self.jobs.get(job_id)
        if job is not None:
            self._note(job_id, job, 0)
            del self.jobs[job_id]
            self.on_node(job.record.node).discard(job_id)
            self.shelves.drop(job_id)
        return job

    def _note(self, job_id: str, before: Stored | None, size: int) -> None:
        self.size += size - (len(before.text) if before else 0)
        for watcher in self._watchers.copy() if self._watchers else ():
            watcher.note(job_id, before)

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def watches(self, watcher: Watcher) -> bool:
        return watcher in self._watchers

    async def replace(self, jobs: dict[str, Stored], nodes: dict[str, Node]) -> None:
        """Show these jobs and nodes and nothing else; nobody sees it half done."""
        if self.jobs:
            changed = [job async for job in in_turns(jobs.values()) if self.jobs.get(job.id) is not job]
            gone = [job_id async for job_id in in_turns(self.jobs) if job_id not in jobs]
            for job in changed:
                self.put(job)
            for job_id in gone:
                self._remove(job_id)
        else:
            self._begin(jobs)
        self.nodes = nodes

    def _begin(self, jobs: dict[str, Stored]) -> None:
        """What `put` would come to with each of them, in a third of the time."""
        self.jobs = jobs
        self.shelves = Shelves(sorted(jobs))
        self.size = sum(len(job.text) for job in jobs.values())
        self._watchers.clear()
        for job in jobs.values():
            if job.record.on_node:
                self._on_node.setdefault(job.record.node, set()).add(job.id)

    async def move(self, head: Head) -> None:
        """Say how far the view is now, and wake those who wait for it."""
        async with self._moved:
            self.head = head
            self._moved.notify_all()

    # What readers wait for.

    async def reach(self, head: Head, within: float) -> bool:
        """Wait until the view shows at least what `head` names; False when it doesn't in time."""
        return await self._wait_for(lambda: self._has_reached(head), within)

    async def await_job(self, job_id: str, within: float) -> Stored | None:
        """The job, as soon as the view has it."""
        await self._wait_for(lambda: job_id in self.jobs, within)
        return self.jobs.get(job_id)

    async def wait_until_final(self, job_id: str, within: float) -> None:
        """Wait for the end of a job of which the view may not know yet."""
        await self._wait_for(lambda: job_id not in self.jobs or self.jobs[job_id].record.final, within)

    def _has_reached(self, head: Head) -> bool:
        return self.head.epoch == head.epoch and self.head.version >= head.version

    async def _wait_for(self, condition: Callable[[], bool], within: float) -> bool:
        if condition():
            return True
        try:
            async with Deadline(within), self._moved:
                await self._moved.wait_for(condition)
        except TimeoutError:
            return False
        return True
