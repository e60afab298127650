"""Cases B: Redis behind Sentinels, which put another server in the place of a master that fails."""

import asyncio
import os
import signal
import time
from collections import Counter
from random import Random

import pytest
from caller import eventually

from .checker import ACTIONS
from .figures import note
from .reads import reading
from .stage import Stage
from .traffic import busy

pytestmark = pytest.mark.asyncio(loop_scope="package")

FRESH = 5.0  # seconds until an index with Sentinels is read again
AS_BEFORE = 30.0  # seconds until a server that was the master follows the new one


async def test_b1_the_master_is_killed_and_no_read_fails(guarded: Stage) -> None:
    await settled(guarded)
    ids = set(await guarded.everywhere())
    async with reading(guarded.front) as reads:
        began = time.monotonic()
        async with guarded.nemesis.killed(await guarded.nemesis.master_name()):
            more = await guarded.archive("orthanc-a", 5)
            for replica in guarded.replicas:
                await guarded.listed(replica, more, "Success")
            complete = time.monotonic() - began
    stale = reads.stale_for(began)
    note("Redis master killed", f"stale for {stale:.1f} s, complete after {complete:.1f} s")
    assert reads.failed == []
    assert 0 < stale < FRESH
    assert reads.complete_after(began, ids) == 0, "no list was shorter"
    await guarded.check()


@pytest.mark.fault_long
async def test_b2_the_master_is_frozen_and_no_read_waits_for_it(guarded: Stage) -> None:
    await settled(guarded)
    ids = set(await guarded.everywhere())
    async with reading(guarded.front) as reads:
        began = time.monotonic()
        async with guarded.nemesis.frozen(await guarded.nemesis.master_name()):
            more = await guarded.archive("orthanc-a", 5)
            for replica in guarded.replicas:
                await guarded.listed(replica, more, "Success")
            complete = time.monotonic() - began
    stale = reads.stale_for(began)
    note("Redis master frozen", f"slowest read {reads.slowest:.2f} s, stale for {stale:.1f} s")
    note("Redis master frozen", f"complete after {complete:.1f} s, {len(reads.failed)} reads failed")
    assert reads.failed == []
    assert reads.slowest < 2
    assert 0 < stale < FRESH
    assert reads.complete_after(began, ids) == 0
    await guarded.check(AS_BEFORE)


@pytest.mark.fault_long
async def test_b6_a_replica_that_lagged_is_promoted_and_no_end_is_taken_back(guarded: Stage) -> None:
    """What the old master alone had is told again by the Orthancs and the views."""
    await settled(guarded)
    master = await guarded.nemesis.master_name()
    others = [name for name in guarded.nemesis.processes if name.startswith("redis") and name != master]
    async with reading(guarded.front):
        async with guarded.nemesis.frozen(*others):
            ids = await guarded.archive("orthanc-a", 3)
            await guarded.listed("replica-1", ids, "Success", within=3)
            guarded.nemesis.processes[master].freeze()
        async with guarded.nemesis.frozen(master):
            for replica in guarded.replicas:
                await guarded.listed(replica, ids, "Success", within=15)
    await guarded.check(AS_BEFORE)


@pytest.mark.fault_long
async def test_every_part_is_restarted_by_plan_and_nothing_fails(guarded: Stage) -> None:
    """Replicas, Redis servers after a failover by command, Sentinels, nginx reloaded: all while users work."""
    await settled(guarded)
    dice = Random(1)
    async with busy(guarded, dice, per_second=50, every=0.2) as reads:
        for replica in guarded.replicas:
            await guarded.nemesis.restart(replica)
        os.kill(guarded.nemesis.processes["nginx"].pid, signal.SIGHUP)
        for name in [name for name in guarded.nemesis.processes if name.startswith("redis")]:
            if name == await guarded.nemesis.master_name():
                await guarded.nemesis.fail_over()
            await guarded.nemesis.restart(name)
            await settled(guarded)
        for name in [name for name in guarded.nemesis.processes if name.startswith("sentinel")]:
            await guarded.nemesis.restart(name)
    acted = [call for call in guarded.history.of(*ACTIONS) if call.client == "front"]
    results = Counter(call.result for call in acted)
    twice = sent_twice(guarded)
    note("planned restart of every part", f"{len(reads.failed)} of {len(reads.calls)} reads failed")
    note("planned restart of every part", f"{len(twice)} of {len(acted)} actions done twice: {dict(results)}")
    assert reads.failed == []
    assert twice == []
    await guarded.check(AS_BEFORE)


def sent_twice(stage: Stage) -> list[str]:
    """What changes something, and reached an Orthanc more than once."""
    counts = [count for requests in stage.network.sent.values() for count in requests.items()]
    return [line for line, times in counts if times > 1 and not line.startswith("GET ")]


@pytest.mark.fault_long
async def test_b19_without_a_majority_of_sentinels_reads_go_on_until_there_is_one(guarded: Stage) -> None:
    await settled(guarded)
    ids = set(await guarded.everywhere())
    async with reading(guarded.front) as reads:
        began = time.monotonic()
        master = await guarded.nemesis.master_name()
        async with guarded.nemesis.frozen("sentinel-1", "sentinel-2"), guarded.nemesis.frozen(master):
            await asyncio.sleep(6)
            assert (await guarded.front.list()).age is not None
    assert reads.failed == []
    assert reads.slowest < 2
    assert reads.complete_after(began, ids) == 0
    await guarded.check(AS_BEFORE)


async def settled(stage: Stage) -> None:
    """Wait until the Sentinels know all servers and each follows the master: what a failover needs."""
    await eventually(lambda: all_ready(stage), within=AS_BEFORE)


async def all_ready(stage: Stage) -> bool:
    guard = stage.cluster.guard
    assert guard is not None
    return all([await process.ready() for process in [*guard.servers.values(), *guard.sentinels.values()]])
