"""A Redis at its `maxmemory`: what is shown says that it is old and why, and it can be made room."""

import logging

import pytest
from redis.asyncio import Redis

from jobindex.model.node import LATE
from jobindex.service.timing import Timing

from ...builders import job_id
from ..memory import full
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

SOON = Timing(beat=0.3, probe=0.3, again=0.2, settling=0.0, patience=0.5)
FAR = 200_000
"""Bytes over the limit: no answer that ends in the meantime makes room."""


async def says_why(replica: Replica, *lists: str) -> bool:
    """Whether these lists are marked as old for want of memory."""
    told = [(await replica.get(path)).headers.get("X-Job-Index", "") for path in lists]
    return all(each.startswith("stale") and "OOM" in each for each in told)


async def says_nothing(replica: Replica) -> bool:
    return "X-Job-Index" not in (await replica.get("/jobs")).headers


async def test_true_state_lists_over_a_full_redis_are_stale_and_say_why(
    replica: Replica, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await replica.report("a", job(1))
    async with full(redis, FAR):
        assert (await replica.report("a", job(2))).status == 503
        await until(lambda: says_why(replica, "/jobs", "/jobs?expand", "/jobs?expand&status=Running"))
        assert (await replica.get("/jobs")).json == [job_id(1)]
        ready = await replica.ask_inside("GET", "/-/ready")
        assert (ready.status, ready.json["Index"], "OOM" in ready.json["IndexReason"]) == (200, "full", True)
        assert "jobindex_index_full 1.0" in (await replica.ask_inside("GET", "/metrics")).body.decode().splitlines()
        assert "OOM" in caplog.text
    await until(lambda: says_nothing(replica))
    assert (await replica.report("a", job(2))).status == 200
    assert (await replica.get("/jobs")).json == [job_id(1), job_id(2)]
    assert (await replica.ask_inside("GET", "/-/ready")).json["Index"] == "connected"


async def test_true_state_a_refused_report_says_what_to_do(replica: Replica, redis: Redis) -> None:
    async with full(redis, FAR):
        answer = await replica.report("a", job(2))
    assert answer.status == 503
    assert "OOM" in answer.json["Message"]
    assert "maxmemory" in answer.json["Message"]


async def test_true_state_a_replica_that_is_started_over_a_full_redis_opens(
    replica: Replica, redis: Redis, index_url: str
) -> None:
    await replica.report("a", job(1))
    async with full(redis, FAR), replica_on(index_url, SOON) as second:
        assert (await second.get("/jobs")).json == [job_id(1)]
        await until(lambda: says_why(second, "/jobs"))


async def test_true_state_it_opens_also_where_the_scripts_were_forgotten(
    replica: Replica, redis: Redis, index_url: str
) -> None:
    await replica.report("a", job(1), job(2, "Success"))
    async with full(redis, FAR):
        await redis.script_flush()
        async with replica_on(index_url, SOON) as second:
            assert (await second.get("/jobs")).json == [job_id(1), job_id(2)]


async def test_true_state_the_dead_are_late_over_a_full_redis(
    index_url: str, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    async with replica_on(index_url, SOON) as replica:
        await replica.report("a", job(1), at=orthanc)
        async with full(redis, FAR):

            async def is_late() -> bool:
                answer = await replica.get("/job-index/nodes")
                return answer.status == 200 and [node["State"] for node in answer.json] == [LATE]

            await until(is_late)
