"""Cases B: Redis."""

import asyncio
import time

import pytest

from .figures import note
from .reads import reading
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

FRESH = 5.0  # seconds until an index with Sentinels is read again
REBUILT = 15.0  # seconds until an emptied one is complete


async def test_b1_the_master_is_killed_and_no_read_fails(guarded: Stage) -> None:
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
        while not ids <= {job_id.decode() for job_id in await redis.hkeys("{jobindex}:jobs")}:
            await asyncio.sleep(0.05)


async def test_b11_what_redis_forgot_of_a_node_comes_back_whole(usual: Stage) -> None:
    """A record without address or incarnation, or a heartbeat without TTL, would be a breach of the keyspace."""
    await usual.everywhere()
    async with usual.nemesis.master() as redis:
        await redis.hdel("{jobindex}:nodes", "orthanc-a")
        await redis.delete("{jobindex}:beat:orthanc-a")
        async with asyncio.timeout(10):
            while not await redis.hexists("{jobindex}:nodes", "orthanc-a"):
                await asyncio.sleep(0.05)
        assert await redis.pttl("{jobindex}:beat:orthanc-a") > 0
    await usual.archive("orthanc-a")
    await usual.check()
