"""Words come late, twice, in any order or never; nodes restart, clocks jump, Redis is emptied.

The newest word counts all the same.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from itertools import groupby
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from jobindex.errors import UnknownNode
from jobindex.model.node import Node
from jobindex.model.record import HISTORY, LOST, MISSED, Record
from jobindex.store import opened
from jobindex.store.invariants import breaches
from jobindex.store.jobs import NONE, Stored

from ..builders import BEAT, BEGAN, job_text, node_record
from .truth import NEXT, Orthanc, Reading, Told, order

T = TypeVar("T")

BOUNDS = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class Index(RuleBasedStateMachine):
    """Two nodes, one Redis, and one replica's memory of it."""

    def __init__(self, url: str, index_url: str) -> None:
        super().__init__()
        self.nodes = {name: Orthanc(name) for name in "ab"}
        self.told = Told()
        self.said: list[Stored] = []
        self.readings: list[Reading] = []
        self.sequence = 0
        self.memory: tuple[dict[str, Stored], dict[str, Node]] = {}, {}
        self.seen: dict[str, Record] = {}
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.run(self.begin(url, index_url))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def begin(self, url: str, index_url: str) -> None:
        self.redis = await self.stack.enter_async_context(Redis.from_url(url))
        self.store = await self.stack.enter_async_context(opened(index_url))
        await self.redis.flushall()
        await self.register()

    async def register(self) -> None:
        for node in self.nodes.values():
            told = node_record(node.incarnation, f"http://{node.name}:8042")
            await self.store.nodes.register(node.name, told, BEAT)

    # What happens on the nodes.

    @rule(name=st.sampled_from("ab"))
    def submit(self, name: str) -> None:
        self.sequence += 1
        self.said.append(self.nodes[name].says(self.sequence, "Pending", self.sequence))

    @precondition(lambda self: self._unended())
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """A job starts, gets on, ends, or is submitted again."""
        job = data.draw(st.sampled_from(self._unended()))
        self.sequence += 1
        state = data.draw(st.sampled_from(NEXT[job.record.state]))
        self.said.append(self.nodes[job.record.node].says(int(job.id[:8], 16), state, self.sequence))
        if data.draw(st.booleans(), label="told at once"):
            self.run(self._tell(self.said[-1:]))

    @precondition(lambda self: any(node.jobs for node in self.nodes.values()))
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """An Orthanc forgets a job, whatever was told of it until now."""
        held = [(node, job) for node in self.nodes.values() for job in node.jobs]
        node, job = data.draw(st.sampled_from(held))
        del node.jobs[job]

    @rule(name=st.sampled_from("ab"), back=st.integers(0, 90))
    def jump(self, name: str, back: int) -> None:
        self.nodes[name].jumps(back)

    @rule(name=st.sampled_from("ab"), saves_jobs=st.booleans())
    def restart(self, name: str, saves_jobs: bool) -> None:
        self.nodes[name].restarts(saves_jobs)
        self.run(self.register())
        for job in list(self.nodes[name].jobs.values()):
            self.sequence += 1
            self.said.append(self.nodes[name].says(int(job.id[:8], 16), "Pending", self.sequence))

    @rule(name=st.sampled_from("ab"))
    def read_all(self, name: str) -> None:
        self.readings.append(self.nodes[name].reads_all())

    # What the index is told of it: some, late, twice, in any order.

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def tell(self, data: st.DataObject) -> None:
        words = data.draw(st.lists(st.sampled_from(self.said), min_size=1, max_size=8))
        self.run(self._tell(words))

    @precondition(lambda self: self.readings)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        self.run(self._report(data.draw(st.sampled_from(self.readings))))

    @precondition(lambda self: self._living())
    @rule(data=st.data())
    def intrude(self, data: st.DataObject) -> None:
        """A node speaks of a job that another one, which is alive, owns."""
        job, record = data.draw(st.sampled_from(self._living()))
        other = next(node for node in self.nodes.values() if node.name != record.node)
        said = Orthanc(other.name, other.run).says(int(job[:8], 16), "Success", 0)
        assert self.run(self.store.jobs.put(other.name, other.incarnation, [said])) == [job]

    # What replicas and operators do.

    @precondition(lambda self: self.told.words)
    @rule(data=st.data(), tombstone=st.booleans())
    def drop(self, data: st.DataObject, tombstone: bool) -> None:
        job = data.draw(st.sampled_from(sorted(self.told.words)))
        line = self.told.expected()[job].line
        assert self.run(self.store.jobs.drop([(job, line)], BEAT if tombstone else 0)) == 1
        self.told.drop(job, tombstone)
        self.seen.pop(job, None)

    @rule()
    def remember(self) -> None:
        self.memory = self.run(self._everything()), self.run(self.store.nodes.everything())

    @rule(data=st.data())
    def empty_redis(self, data: st.DataObject) -> None:
        """Redis is emptied, some nodes are quicker than the replica, then it writes back what it remembers."""
        words = data.draw(st.lists(st.sampled_from(self.said), max_size=4)) if self.said else []
        self.told, self.seen = Told(), {}
        self.run(self._empty(words))

    # What must hold.

    @invariant()
    def the_newest_word_counts(self) -> None:
        found = {job_id: job.record for job_id, job in self.run(self._everything()).items()}
        assert found == self.told.expected()
        for job_id, before in self.seen.items():
            assert order(found[job_id]) >= order(before)
            if before.final and not found[job_id].final:
                assert order(found[job_id]) > order(before)
        self.seen = found

    @invariant()
    def what_is_known_by_its_line_is_as_it_would_be_read(self) -> None:
        assert self.run(self._everything(self.memory[0])) == self.run(self._everything())

    def teardown(self) -> None:
        """When at last all was told, the index says what is true, and nothing in it is awry."""
        try:
            self.run(self._settle())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    # How it is done.

    def _unended(self) -> list[Stored]:
        jobs = [job for node in self.nodes.values() for job in node.jobs.values()]
        return [job for job in jobs if NEXT[job.record.state]]

    def _living(self) -> list[tuple[str, Record]]:
        return [(job, record) for job, record in sorted(self.told.expected().items()) if record.mark != LOST]

    async def _everything(self, known: Mapping[str, Stored] = NONE) -> dict[str, Stored]:
        return {job_id: job async for chunk in self.store.jobs.everything(known) for job_id, job in chunk.items()}

    async def _tell(self, words: list[Stored]) -> None:
        for (name, incarnation), group in groupby(words, lambda said: (said.record.node, said.record.incarnation)):
            batch = list(group)
            if incarnation != self.nodes[name].incarnation:
                with pytest.raises(UnknownNode):
                    await self.store.jobs.put(name, incarnation, batch)
                continue
            assert await self.store.jobs.put(name, incarnation, batch) == []
            for said in batch:
                self.told.tell(said)

    async def _report(self, reading: Reading) -> None:
        absent = sorted(set(await self.store.jobs.of_node(reading.node)) - reading.ids)
        missing = (reading.node, reading.incarnation, reading.clock, reading.taken, absent)
        if reading.incarnation != self.nodes[reading.node].incarnation:
            if absent:
                with pytest.raises(UnknownNode):
                    await self.store.jobs.miss(*missing)
            return
        lost = await self.store.jobs.miss(*missing)
        texts = [(job, line, job_text(int(job[:8], 16), "Failure")) for job, line in lost]
        assert await self.store.jobs.conclude(BEGAN * 1000, texts) == len(lost)
        self.told.judge(reading)

    async def _empty(self, words: list[Stored]) -> None:
        jobs, nodes = self.memory
        await self.redis.flushall()
        if words:
            await self.register()
            await self._tell(words)
        for name, node in nodes.items():
            await self.store.nodes.restore(name, node, BEAT)
        await self.register()
        await self.store.jobs.restore(list(jobs.values()))
        self.told.restore({job_id: job.record for job_id, job in jobs.items()})

    async def _settle(self) -> None:
        for node in self.nodes.values():
            await self._tell(list(node.jobs.values()))
            await self._report(node.reads_all())
        found = await self._everything()
        buried = self.told.tombstones
        for node in self.nodes.values():
            held = {job: said.record for job, said in node.jobs.items() if (job, node.incarnation) not in buried}
            assert held == {job: found[job].record for job in held}
            for job in set(await self.store.jobs.of_node(node.name)) - set(held):
                assert found[job].record.mark in (HISTORY, LOST, MISSED)
        assert await breaches(self.redis) == []


def test_the_index_says_what_the_newest_word_says(index_url: str, redis_url: str) -> None:
    run_state_machine_as_test(lambda: Index(redis_url, index_url), settings=BOUNDS)
