"""The door for reports: what each status tells the plugin to do next."""

import json
import time

import pytest
from redis.asyncio import Redis

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import NEXT_INCARNATION, job, told
from .replica import SECRET, Replica

BODY = json.dumps(told(job(1))).encode()


async def test_an_acknowledgement_says_what_to_do_next(alone: Replica, orthanc: ScriptedOrthanc) -> None:
    first = await alone.report("a", job(1), at=orthanc, Ids=[job_id(1), job_id(2)], Complete=True)
    assert first.status == 200
    assert first.json == {"Register": False, "Everything": True, "Wanted": [job_id(2)], "Refused": []}
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
        json.dumps(told(job(1, State="Owned"))).encode(),
        json.dumps(told(job(1, Progress=-1))).encode(),
        json.dumps(told(*[job(1)] * 201)).encode(),
        json.dumps(told(Taken="yesterday")).encode(),
        json.dumps(told(Register={"Name": "x", "Url": "http://user:pw@elsewhere/path"})).encode(),
        json.dumps(told(incarnation="../x")).encode(),
        json.dumps(told(Ids=["not-an-id"], Complete=True)).encode(),
        BODY.replace(b'"Running', b'"\\\\ud800'),
    ],
)
async def test_what_can_not_be_read_is_400_and_nothing_of_it_is_taken(replica: Replica, body: bytes) -> None:
    answer = await replica.post_report("a", body)
    assert answer.status == 400
    assert answer.json["Message"]
    assert (await replica.get("/jobs")).json == []


async def test_a_refusal_never_repeats_what_was_sent(replica: Replica) -> None:
    hostile = json.dumps(told(Register={"Name": "x", "Url": "http://user:hidden@elsewhere"})).encode()
    assert b"hidden" not in (await replica.post_report("a", hostile)).body


@pytest.mark.parametrize("node", ["x" * 65, "a%20b", "%2e%2e%2fjobs", "a%00", "ä"])
async def test_a_node_s_id_has_a_form(alone: Replica, node: str) -> None:
    assert (await alone.post_report(node, BODY)).status == 400


async def test_a_report_that_is_too_large_is_413(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.web.server.LARGEST", 10_000)
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
