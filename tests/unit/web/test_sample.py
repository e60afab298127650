"""A cluster that runs Orthanc's own sample plugin changes only its URL."""

import json
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import PATIENT, Replica, replica_on

NODE = "sample-127.0.0.1-{port}"
EVENTS = ("submitted", "success", "failure")


def port_of(orthanc: ScriptedOrthanc) -> int:
    return int(orthanc.url.rsplit(":", maxsplit=1)[1])


def hello(token: str = AUTHORIZATION) -> bytes:
    return json.dumps({"api-token": token}).encode()


def telling(text: bytes, token: str = AUTHORIZATION) -> bytes:
    return json.dumps({"api-token": token, "job": json.loads(text)}).encode()


async def lists(replica: Replica, question: str, *numbers: int) -> None:
    """Wait until the list is that."""

    async def so() -> bool:
        answer = await replica.get(f"/jobs{question}")
        return answer.status == 200 and answer.json == [job_id(number) for number in numbers]

    await until(so)


@pytest.mark.parametrize("path", ["/orthanc/started", "/orthanc/stopped", "/jobs/x/submitted", "/jobs/refresh"])
async def test_these_doors_are_shut_unless_they_are_switched_on(alone: Replica, path: str) -> None:
    assert (await alone.ask_inside("POST", path, hello())).status == 404


async def test_an_orthanc_that_says_hello_is_visited_with_its_token(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/jobs?expand", b"[" + job(1) + b"," + job(2, "Success") + b"]")
    async with replica_on(redis_url, sample_routes=True, sample_port=port_of(orthanc)) as replica:
        assert (await replica.ask_inside("POST", "/orthanc/started", hello())).status == 200
        await lists(replica, "", 1, 2)
        (node,) = (await replica.get("/job-index/nodes")).json
        assert (node["ID"], node["Kind"], node["Url"]) == (NODE.format(port=port_of(orthanc)), "sample", orthanc.url)
        assert AUTHORIZATION not in json.dumps(node)


async def test_events_bring_their_jobs_at_once(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url, sample_routes=True, sample_port=port_of(orthanc)) as replica:
        for number, (event, state) in enumerate(zip(EVENTS, ("Running", "Success", "Failure"), strict=True)):
            path = f"/jobs/{job_id(number)}/{event}"
            assert (await replica.ask_inside("POST", path, telling(job(number, state, at=60)))).status == 200
        await lists(replica, "", 0, 1, 2)
        await lists(replica, "?status=Success", 1)


async def test_one_that_says_goodbye_is_stopped(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url, sample_routes=True, sample_port=port_of(orthanc)) as replica:
        await replica.ask_inside("POST", "/orthanc/started", hello())
        orthanc.tell("/jobs?expand", hangs=True)
        await replica.report("b", at=orthanc)
        assert (await replica.ask_inside("POST", "/orthanc/stopped")).status == 200
        await replica.get("/jobs")
        states = {node["ID"]: node["State"] for node in (await replica.get("/job-index/nodes")).json}
        assert states == {"b": "Alive", NODE.format(port=port_of(orthanc)): "Stopped"}


async def test_a_goodbye_of_a_stranger_is_no_error(redis_url: str) -> None:
    async with replica_on(redis_url, sample_routes=True) as replica:
        for path in ("/orthanc/stopped", "/jobs/refresh"):
            assert (await replica.ask_inside("POST", path)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        hello("a\nb"),
        hello("x" * 257),
        b'{"api-token": 3}',
        b'{"api-token": "t"}',
        b'{"api-token": "t", "job": {}}',
    ],
)
async def test_what_can_not_be_read_is_refused(redis_url: str, body: bytes) -> None:
    async with replica_on(redis_url, sample_routes=True) as replica:
        answer = await replica.ask_inside("POST", f"/jobs/{job_id(1)}/success", body)
        assert answer.status == 400


QUICK = replace(PATIENT, beat=2.0, visit=0.1, busy_visit=0.1)


async def progresses(replica: Replica, orthanc: ScriptedOrthanc, progress: int) -> None:
    """Wait until the list shows what the Orthanc tells from now on, and the node as alive."""

    async def so() -> bool:
        orthanc.tell("/jobs?expand", b"[" + job(1, Progress=progress) + b"]")
        found = (await replica.get("/jobs?expand")).json
        return [(each["Progress"], each["JobIndex"]["NodeState"]) for each in found] == [(progress, "Alive")]

    await until(so)


async def test_true_state_a_cluster_of_the_sample_heals_when_redis_is_emptied(
    redis_url: str, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    """No event comes for a long time: the token that Redis lost is known to the replica."""
    async with replica_on(redis_url, QUICK, sample_routes=True, sample_port=port_of(orthanc)) as replica:
        assert (await replica.ask_inside("POST", "/orthanc/started", hello())).status == 200
        await progresses(replica, orthanc, 10)
        await redis.flushall()
        await progresses(replica, orthanc, 60)
