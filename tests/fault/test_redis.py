"""Cases B: Redis, a single one."""

import asyncio
import time
from typing import Any

import orjson
import pytest
from caller import Caller, eventually

from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.probes import reads as text_at
from jobindex.store.keys import BEAT, DUE, JOBS, NODES, OWNERS, key

from .figures import note
from .reads import reading
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

REBUILT = 15.0  # seconds until an emptied one is complete


async def test_b3_redis_is_emptied_and_no_list_is_shorter(usual: Stage) -> None:
    """Of twenty jobs of each Orthanc half are forgotten by it: only the views can write them back."""
    ids = set(await usual.everywhere(20))
    async with reading(usual.front) as reads:
        began = time.monotonic()
        await usual.nemesis.empty()
        await written_back(usual, ids)
        took = time.monotonic() - began
        await asyncio.sleep(1)
    note("Redis emptied", f"complete after {took:.1f} s, {len(reads.failed)} of {len(reads.calls)} reads failed")
    assert reads.failed == []
    assert reads.complete_after(began, ids) == 0
    await usual.check(REBUILT)


async def written_back(stage: Stage, ids: set[str]) -> None:
    """Wait until Redis has all these jobs."""
    async with asyncio.timeout(REBUILT), stage.nemesis.master() as redis:
        while not ids <= {job_id.decode() for job_id in await redis.hkeys(key(JOBS))}:
            await asyncio.sleep(0.05)


async def test_b11_what_redis_forgot_of_a_node_comes_back_whole(usual: Stage) -> None:
    """A record without address or incarnation, or a heartbeat without TTL, would be a breach of the keyspace."""
    await usual.everywhere()
    async with usual.nemesis.master() as redis:
        await redis.hdel(key(NODES), "orthanc-a")
        await redis.delete(key(BEAT, "orthanc-a"))
        async with asyncio.timeout(10):
            while not await redis.hexists(key(NODES), "orthanc-a"):
                await asyncio.sleep(0.05)
        assert await redis.pttl(key(BEAT, "orthanc-a")) > 0
    await usual.archive("orthanc-a")
    await usual.check()


@pytest.mark.fault_long
async def test_b4_redis_is_restarted_empty_and_no_list_is_shorter(usual: Stage) -> None:
    ids = set(await usual.everywhere(20))
    async with reading(usual.front) as reads:
        began = time.monotonic()
        await usual.nemesis.restart("redis")
        await written_back(usual, ids)
        took = time.monotonic() - began
        await asyncio.sleep(1)
    note(
        "Redis restarted empty", f"complete after {took:.1f} s, {len(reads.failed)} of {len(reads.calls)} reads failed"
    )
    assert reads.failed == []
    assert reads.complete_after(began, ids) == 0
    await usual.check(REBUILT)


@pytest.mark.fault_long
@pytest.mark.parametrize("setting", ["maxmemory", "min-replicas-to-write"])
async def test_b9_a_redis_that_refuses_writes_is_read_and_what_it_says_is_stale(usual: Stage, setting: str) -> None:
    """It has no memory left, or has lost its replicas."""
    ids = set(await usual.everywhere())
    async with reading(usual.front) as reads:
        began = time.monotonic()
        async with usual.nemesis.setting(setting, "1"):
            more = await usual.archive("orthanc-a", 3)
            await eventually(usual.all_stale, within=5)
            assert (await usual.front.act("cancel", more[0])).result == "ok"
        for replica in usual.replicas:
            await usual.listed(replica, more, "Success")
    assert reads.failed == []
    assert reads.complete_after(began, ids) == 0
    await usual.check()


@pytest.mark.fault_long
async def test_b12_a_slow_way_to_redis_makes_no_list_slow(usual: Stage) -> None:
    def slow(proxy: FaultProxy) -> None:
        proxy.latency = 0.15

    await usual.everywhere()
    async with reading(usual.front) as reads, usual.nemesis.cut(slow, target=("redis",)):
        more = await usual.archive("orthanc-a", 3)
        for replica in usual.replicas:
            await usual.listed(replica, more, "Success")
        await asyncio.sleep(3)
    note("300 ms to Redis", f"slowest read {reads.slowest:.2f} s")
    assert reads.failed == []
    assert reads.slowest < 1
    await usual.check()


@pytest.mark.fault_long
async def test_b13_connections_to_redis_that_break_again_and_again_fail_no_read(usual: Stage) -> None:
    ids = set(await usual.everywhere())
    async with reading(usual.front) as reads:
        began = time.monotonic()
        for _ in range(5):
            async with usual.nemesis.cut(FaultProxy.reset, target=("redis",)):
                await usual.archive("orthanc-a", 2)
                await asyncio.sleep(2)
    assert reads.failed == []
    assert reads.complete_after(began, ids) == 0
    await usual.check()


@pytest.mark.fault_long
async def test_b14_a_password_that_changed_makes_the_index_away_and_is_not_logged(usual: Stage) -> None:
    ids = set(await usual.everywhere())
    replica = usual.cluster.replicas["replica-1"]
    async with usual.nemesis.setting("requirepass", "canary-9f3a"):
        await usual.nemesis.hang_up()
        await eventually(lambda: says(f"{replica.internal_url}/-/ready", '"Index":"away"'))
        assert ids <= (await usual.front.list()).jobs.keys()
    assert "canary-9f3a" not in replica.process.log.read_text()
    await usual.check()


async def says(url: str, text: str) -> bool:
    return text in await text_at(url)


@pytest.mark.fault_long
async def test_b15_a_bad_record_does_not_spoil_the_list(usual: Stage) -> None:
    """Whatever somebody wrote under our keys: once a text that was no JSON made every list unreadable."""
    no_text, no_line, *good = await usual.everywhere(2)
    async with usual.nemesis.master() as redis:
        await redis.hset(key(JOBS), no_text, "<html>")
        await redis.hset(key(OWNERS), no_line, "nonsense")
        await redis.hset(key(NODES), "stranger", "[]")
    await usual.nemesis.restart("replica-1")
    assert await lists(usual.callers["replica-1"], good)
    await usual.nemesis.empty()
    await eventually(lambda: lists(usual.callers["replica-1"], [no_text, no_line]))
    await usual.check(REBUILT)


async def lists(caller: Caller, ids: list[str]) -> bool:
    return set(ids) <= set(await caller.json("/jobs"))


@pytest.mark.fault_long
async def test_b16_scripts_that_redis_forgot_are_sent_again(usual: Stage) -> None:
    async with reading(usual.front) as reads:
        async with usual.nemesis.master() as redis:
            await redis.script_flush()
        await usual.everywhere()
    assert reads.failed == []
    assert reads.stale_for(0) == 0
    await usual.check()


@pytest.mark.fault_long
async def test_b17_a_redis_that_is_busy_makes_no_read_wait(usual: Stage) -> None:
    ids = set(await usual.everywhere())
    busy = "local t = redis.call('TIME')[1] + 3 while redis.call('TIME')[1] + 0 < t do end"
    async with reading(usual.front) as reads, usual.nemesis.master() as redis:
        began = time.monotonic()
        await redis.eval(busy, 0)
        await asyncio.sleep(1)
    note("Redis busy for 3 s", f"slowest read {reads.slowest:.2f} s")
    assert reads.failed == []
    assert reads.slowest < 2
    assert reads.complete_after(began, ids) == 0
    await usual.check()


@pytest.mark.fault_long
async def test_b18_when_every_heartbeat_runs_out_at_once_nobody_is_given_up(usual: Stage) -> None:
    ids = set(await usual.everywhere())
    async with reading(usual.front) as reads, usual.nemesis.master() as redis:
        began = time.monotonic()
        for node in usual.nodes:
            await redis.pexpire(key(BEAT, node), 1)
        await redis.zadd(key(DUE, "late"), dict.fromkeys(usual.nodes, 1))
        await asyncio.sleep(2)
    assert reads.complete_after(began, ids) == 0
    await usual.check(within=6)


@pytest.mark.fault_long
async def test_a_deletion_that_redis_was_not_told_of_does_not_say_that_nothing_was_done(newer: Stage) -> None:
    """It was answered 503 once, as if it had not been sent."""
    job_id, *_ = await newer.everywhere(1)
    async with newer.nemesis.cut(FaultProxy.refuse, target=("redis",)):
        assert (await newer.front.delete(job_id)).status == 504
    await newer.check()


@pytest.mark.fault_long
async def test_a8_what_a_newer_version_added_to_a_record_is_kept(usual: Stage) -> None:
    """As while replicas are replaced one by one by newer ones."""
    async with usual.nemesis.master() as redis:

        async def node() -> dict[str, Any]:
            return dict(orjson.loads(await redis.hget(key(NODES), "orthanc-a")))

        before = await node()
        await redis.hset(key(NODES), "orthanc-a", orjson.dumps(before | {"future": {"a": [1]}}))
        while (after := await node())["seen"] == before["seen"]:
            await asyncio.sleep(0.1)
        assert after["future"] == {"a": [1]}
        await redis.hset(key(NODES), "orthanc-a", orjson.dumps(before))
    await usual.check()
