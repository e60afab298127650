"""The door for reports: what each status tells the plugin to do next, and that who may not report changes nothing."""

import json
import time

import pytest
from redis.asyncio import Redis

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import INCARNATION, NEXT_INCARNATION, job, told
from .replica import SECRET, Replica, replica_on, signed

BODY = json.dumps(told(job(1))).encode()


async def test_an_acknowledgement_says_what_to_do_next(alone: Replica, orthanc: ScriptedOrthanc) -> None:
    first = await alone.report("a", job(1), at=orthanc, Ids=[job_id(1), job_id(2)], Complete=True)
    assert first.status == 200
    assert first.json == {
        "Register": False,
        "Everything": True,
        "Wanted": [job_id(2)],
        "Refused": [],
        "MaxJobBytes": 1_000_000,
    }
    assert first.headers["Content-Type"].startswith("application/json")


async def test_a_job_of_another_living_node_is_named_as_refused(replica: Replica) -> None:
    await replica.report("a", job(1))
    assert (await replica.report("b", job(1))).json["Refused"] == [job_id(1)]


async def test_who_is_not_known_has_to_register(alone: Replica) -> None:
    answer = await alone.post_report("a", BODY)
    assert (answer.status, answer.json["Register"]) == (409, True)
    assert answer.json["Message"]


async def test_who_has_another_s_id_is_told_so(replica: Replica, other: ScriptedOrthanc) -> None:
    answer = await replica.report("a", at=other, incarnation=NEXT_INCARNATION)
    assert (answer.status, answer.json["Register"]) == (409, False)


async def test_a_wrong_secret_is_refused_with_the_time_here(replica: Replica) -> None:
    answer = await replica.post_report("a", BODY, secret="another secret of somebody")
    assert answer.status == 401
    assert abs(answer.json["Time"] - time.time() * 1000) < 60_000
    assert (await replica.get("/jobs")).json == []


@pytest.mark.parametrize("off", [-61_000, 61_000])
async def test_a_clock_that_is_wrong_is_put_right_by_the_refusal(replica: Replica, off: int) -> None:
    answer = await replica.post_report("a", BODY, off=off)
    assert answer.status == 401
    mended = answer.json["Time"] - round(time.time() * 1000)
    assert (await replica.post_report("a", BODY, off=mended)).status == 200


async def test_without_a_signature_nothing_is_taken(replica: Replica) -> None:
    assert (await replica.ask_inside("POST", "/nodes/a/report", BODY)).status == 401


async def kept(redis: Redis) -> dict[bytes, bytes]:
    """All that the index holds, but for its nonces, as Redis would write it to its disk."""
    names = [name async for name in redis.scan_iter() if b":nonce:" not in name]
    return {name: await redis.dump(name) for name in names}


def body(*jobs: bytes, incarnation: str = INCARNATION, **more: object) -> bytes:
    return json.dumps(told(*jobs, incarnation=incarnation, **more)).encode()


GOODBYE = body(Goodbye=True)
ELSEWHERE = {"Name": "orthanc", "Url": "http://169.254.169.254", "HttpPort": 8042}
STALE = {"incarnation": NEXT_INCARNATION}
BORDER = {
    "not signed": ("a", GOODBYE, None, 401),
    "another secret": ("a", GOODBYE, {"secret": "another secret of somebody"}, 401),
    "a clock that is wrong": ("a", GOODBYE, {"off": -61_000}, 401),
    "signed for another node": ("a", GOODBYE, {"node": "b"}, 401),
    "signed for another body": ("a", GOODBYE, {"body": BODY}, 401),
    "a job of a stale incarnation": ("a", body(job(1, "Success", at=9), **STALE), {}, 409),
    "a goodbye of a stale incarnation": ("a", body(Goodbye=True, **STALE), {}, 409),
    "a complete report of a stale incarnation": ("a", body(Complete=True, **STALE), {}, 409),
    "a node that nobody knows": ("c", body(job(1, "Success", at=9)), {}, 409),
    "an address that no Orthanc has": ("a", body(Register=ELSEWHERE), {}, 403),
    "such an address of a new node": ("c", body(job(3), Register=ELSEWHERE), {}, 403),
    "jobs that are no texts": ("a", body(job(1, "Success", at=9)).replace(b'"Jobs": [', b'"Jobs": [1, '), {}, 400),
}
"""Who reports as whom, what, what is other than it should be in the signature, and what is answered."""


@pytest.mark.parametrize("case", BORDER)
async def test_who_may_not_report_changes_nothing(replica: Replica, redis: Redis, case: str) -> None:
    node, report, changed, status = BORDER[case]
    await replica.report("a", job(1))
    before = await kept(redis)
    headers = {} if changed is None else signed(**{"node": node, "body": report, **changed})
    assert (await replica.post_signed(node, report, headers)).status == status
    assert await kept(redis) == before


async def test_a_node_can_not_write_what_another_living_node_owns(replica: Replica, redis: Redis) -> None:
    """Its own record says that it was heard; nothing else changes."""
    await replica.report("a", job(1))
    before = await kept(redis)
    mine = body(job(1, "Success", at=9), Ids=[job_id(1)], Complete=True)
    answer = await replica.post_report("b", mine)
    assert (answer.status, answer.json["Refused"]) == (200, [job_id(1)])
    after, nodes = await kept(redis), b"{jobindex}:nodes"
    for name in (b"jobs", b"owners", b"jobs:a", b"state:Running"):
        assert after[b"{jobindex}:" + name] == before[b"{jobindex}:" + name]
    assert b"{jobindex}:jobs:b" not in after
    assert before[nodes] != after[nodes]


async def test_a_replay_is_refused_and_changes_nothing(replica: Replica, redis: Redis) -> None:
    report = body(job(1))
    headers = signed("a", report)
    assert (await replica.post_signed("a", report, headers)).status == 200
    await replica.report("a", job(1, "Success", at=1))
    goodbye = signed("b", GOODBYE)
    assert (await replica.post_signed("b", GOODBYE, goodbye)).status == 200
    assert (await replica.report("b")).status == 200
    before = await kept(redis)
    for node, again, same in (("a", report, headers), ("b", GOODBYE, goodbye)):
        answer = await replica.post_signed(node, again, same)
        assert (answer.status, answer.json["Replayed"], "Time" in answer.json) == (401, True, False)
        assert "replay" in answer.json["Message"]
    assert await kept(redis) == before


async def test_a_replay_to_another_replica_is_refused(replica: Replica, redis_url: str) -> None:
    report = body(job(1))
    headers = signed("a", report)
    assert (await replica.post_signed("a", report, headers)).status == 200
    async with replica_on(redis_url) as other:
        assert (await other.post_signed("a", report, headers)).status == 401


async def test_an_address_out_of_reach_is_logged_with_its_node(
    alone: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    there = {"Name": "orthanc", "Url": "http://8.8.8.8:8042", "HttpPort": 8042}
    answer = await alone.post_report("far", body(Register=there))
    assert (answer.status, "JOBINDEX_NODE_NETWORKS" in answer.json["Message"]) == (403, True)
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith("node far is not registered at http://8.8.8.8:8042: ")
    assert "JOBINDEX_NODE_NETWORKS" in said
    assert (await alone.get("/job-index/nodes")).status == 503  # nobody to ask


async def test_without_a_secret_reports_are_taken_from_anybody_and_that_is_told(
    redis_url: str, orthanc: ScriptedOrthanc
) -> None:
    register = {"Name": "orthanc", "Url": orthanc.url, "HttpPort": 8042}
    async with replica_on(redis_url, secret="", insecure=True) as replica:
        assert (await replica.post_signed("a", body(job(1), Register=register), {})).status == 200

        async def listed() -> bool:
            answer = await replica.get("/jobs")  # 503 until the view has the node
            return answer.status == 200 and answer.json == [job_id(1)]

        await until(listed)
        (told_so,) = (await replica.ask_inside("GET", "/-/ready")).json["Insecure"]
        assert "no secret" in told_so
        assert b"jobindex_insecure 1.0" in (await replica.ask_inside("GET", "/metrics")).body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({}).encode(),
        json.dumps(told(Format=2)).encode(),
        json.dumps(told(*[job(1)] * 201)).encode(),
        json.dumps(told(Taken="yesterday")).encode(),
        json.dumps(told(Register={"Name": "x", "Url": "http://user:pw@elsewhere/path"})).encode(),
        json.dumps(told(incarnation="../x")).encode(),
        json.dumps(told(Ids=["not-an-id"], Complete=True)).encode(),
    ],
)
async def test_what_can_not_be_read_is_400_and_nothing_of_it_is_taken(replica: Replica, body: bytes) -> None:
    answer = await replica.post_report("a", body)
    assert answer.status == 400
    assert answer.json["Message"]
    assert (await replica.get("/jobs")).json == []


@pytest.mark.parametrize(
    "faulty",
    [
        json.dumps(told(job(1, State="Owned by"))).encode(),
        json.dumps(told(job(1, Progress=-1))).encode(),
        BODY.replace(b'"Running', b'"\\\\ud800'),
    ],
)
async def test_true_state_a_report_of_what_is_no_job_is_taken_without_it(replica: Replica, faulty: bytes) -> None:
    assert (await replica.post_report("a", faulty)).status == 200
    assert (await replica.get("/jobs")).json == []


async def test_a_refusal_never_repeats_what_was_sent(replica: Replica) -> None:
    hostile = json.dumps(told(Register={"Name": "x", "Url": "http://user:hidden@elsewhere"})).encode()
    assert b"hidden" not in (await replica.post_report("a", hostile)).body


@pytest.mark.parametrize("node", ["x" * 65, "a%20b", "%2e%2e%2fjobs", "a%00", "ä"])
async def test_a_node_s_id_has_a_form(alone: Replica, node: str) -> None:
    assert (await alone.post_report(node, BODY)).status == 400


async def test_a_report_that_is_too_large_is_413(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.web.connection.LARGEST", 10_000)
    assert (await replica.post_report("a", BODY + b" " * (10_000 - len(BODY)))).status == 200
    answer = await replica.post_report("a", BODY + b" " * (10_001 - len(BODY)))
    assert (answer.status, bool(answer.json["Message"])) == (413, True)


async def test_other_methods_are_405(alone: Replica) -> None:
    answer = await alone.ask_inside("GET", "/nodes/a/report")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_report_after_redis_was_emptied_finds_its_node_again(replica: Replica, redis: Redis) -> None:
    await replica.report("a", job(1))
    await replica.get("/jobs")
    await redis.flushall()

    async def taken() -> bool:
        return (await replica.report("a", job(1, "Success", at=1))).status == 200

    async def fresh() -> bool:
        return "X-Job-Index" not in (await replica.get("/jobs")).headers

    await until(taken)
    await until(fresh)
    assert (await replica.get("/jobs?status=Success")).json == [job_id(1)]


async def test_the_secret_is_never_logged(replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await replica.post_report("a", BODY, secret="another secret of somebody")
    await replica.report("a", job(1))
    assert "report of a not taken" in caplog.text
    assert SECRET not in caplog.text
