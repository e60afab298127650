"""A whole replica: when it opens, what it does without Redis, how its secret changes, and that it ends."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobindex.app import running
from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault
from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.service.timing import Timing

from ..builders import job_id
from .orthanc.authority import Authority
from .scripted_orthanc import LOGIN, ScriptedOrthanc, scripted
from .waiting import until
from .web.replica import Replica, client, replica_on, settings
from .words import job, told

WAITS_FOR_NODES = Timing(beat=60.0, settling=0.0, patience=60.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.store.changes.TAIL_BLOCK", 0.05)
    monkeypatch.setattr("jobindex.service.follower.PAUSE", 0.05)


async def ready(replica: Replica) -> bool:
    return (await replica.ask_inside("GET", "/-/ready")).status == 200


async def test_clients_are_let_in_only_when_every_node_was_heard(redis_url: str) -> None:
    internal = free_port()
    async with asyncio.timeout(10), scripted(login=True) as orthanc, asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(_report_to_who_waits(internal, orthanc))
        async with replica_on(redis_url, WAITS_FOR_NODES, internal_port=internal) as replica:
            await telling
            assert await ready(replica)
            assert (await replica.get("/jobs")).json == [job_id(1)]


async def _report_to_who_waits(internal: int, orthanc: ScriptedOrthanc) -> None:
    async with client() as session:
        replica = Replica(0, internal, session)
        await until(lambda: _has_reached_redis(replica))
        told = (await replica.ask_inside("GET", "/-/ready")).json
        assert (told["Ready"], told.get("Reason")) == (False, "The whole index was not seen yet")
        answer = await replica.report("a", job(1), at=orthanc, Ids=[job_id(1)], Complete=True)
        assert answer.status == 200


async def _has_reached_redis(replica: Replica) -> bool:
    try:
        return bool((await replica.ask_inside("GET", "/-/ready")).json["Index"] == "connected")
    except OSError:
        return False


async def test_a_replica_that_is_not_open_yet_can_be_ended(redis_url: str) -> None:
    async def run() -> None:
        async with running(settings(redis_url), WAITS_FOR_NODES):
            pytest.fail("there is no node to wait for")

    for turns in (0, 1, 5, 50):
        task = asyncio.create_task(run())
        for _ in range(turns):
            await asyncio.sleep(0.001)
        task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_two_replicas_answer_the_same(redis_url: str) -> None:
    async with scripted(login=True) as orthanc, replica_on(redis_url) as one, replica_on(redis_url) as two:
        await one.report("a", job(1), at=orthanc)
        await two.report("a", job(2))
        first, second = await one.get("/jobs?expand"), await two.get("/jobs?expand")
        assert first.body == second.body
        assert first.headers["ETag"] == second.headers["ETag"]


async def test_without_redis_the_last_list_is_told_and_said_to_be_stale(tmp_path: Path) -> None:
    server = build_redis(tmp_path, free_port())
    await server.process.start()
    try:
        async with scripted(login=True) as orthanc, replica_on(server.url) as replica:
            await _lose_redis(replica, orthanc, server.process.stop, server.process.start)
    finally:
        await server.process.stop()


async def _lose_redis(replica: Replica, orthanc: ScriptedOrthanc, stop: object, start: object) -> None:
    await replica.report("a", job(1), at=orthanc)
    before = await replica.get("/jobs")
    assert "X-Job-Index" not in before.headers

    await stop()  # type: ignore[operator]  # they are coroutine functions
    away = await replica.get("/jobs")
    assert (away.status, away.json) == (200, [job_id(1)])
    assert away.headers["X-Job-Index"].startswith("stale")
    assert (await replica.report("a", job(1, "Success", at=1))).status == 503
    assert await ready(replica)

    await start()  # type: ignore[operator]  # the same
    await until(lambda: _is_fresh(replica))
    answer = await replica.get("/jobs", {**LOGIN, "If-None-Match": before.headers["ETag"]})
    assert (answer.status, answer.json) == (200, [job_id(1)])
    assert (await replica.report("a", job(1, "Success", at=1))).status == 200


async def _is_fresh(replica: Replica) -> bool:
    return "X-Job-Index" not in (await replica.get("/jobs")).headers


async def test_named_nodes_are_listed_without_any_report(redis_url: str) -> None:
    async with scripted(login=True) as orthanc:
        orthanc.tell("/jobs?expand", b"[" + job(1) + b"]")
        named = [{"id": "n", "url": orthanc.url + "/", "user": "demo", "password": "demo"}]
        async with replica_on(redis_url, nodes=named) as replica:
            await until(lambda: _lists(replica, job_id(1)))


async def _lists(replica: Replica, *ids: str) -> bool:
    answer = await replica.get("/jobs")
    return answer.status == 200 and answer.json == list(ids)


async def _knows_a_node(replica: Replica) -> bool:
    return b'jobindex_nodes{state="Alive"} 1.0' in (await replica.ask_inside("GET", "/metrics")).body


async def test_a_silent_node_is_late_in_the_list_of_every_replica(redis_url: str) -> None:
    timing = Timing(beat=0.2, probe=0.2, again=0.2, settling=0.0, patience=0.0)
    async with (
        scripted(login=True) as living,
        replica_on(redis_url, timing) as one,
        replica_on(redis_url, timing) as two,
    ):
        async with scripted(login=True) as dying:
            await one.report("a", job(1), at=dying)
        await one.report("b", at=living)
        for replica in (one, two):
            await until(lambda replica=replica: _is_late(replica))


async def _is_late(replica: Replica) -> bool:
    answer = await replica.get("/jobs?expand")
    return answer.status == 200 and answer.json[0]["JobIndex"]["NodeState"] == "Late"


OLD, NEW = "the old secret of this cluster", "the new secret of this cluster"


async def test_the_secret_changes_while_reports_go_on(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/security.md tells it: add the new one, sign with it, take the old one out."""
    monkeypatch.setattr("jobindex.auth.keyring.AGAIN", 0.0)
    file = tmp_path / "secret"
    file.write_text(OLD)
    steps = [(OLD, 200, 401), (f"{OLD}\n{NEW}\n", 200, 200), (f"{NEW}\n{OLD}\n", 200, 200), (NEW, 401, 200)]
    async with (
        scripted(login=True) as orthanc,
        replica_on(redis_url, secret_file=file) as one,
        replica_on(redis_url, secret_file=file) as two,
    ):
        register = {"Name": "orthanc", "Url": orthanc.url, "HttpPort": 8042}
        body = json.dumps(told(job(1), Register=register)).encode()
        for lines, of_the_old, of_the_new in steps:
            file.write_text(lines)
            for replica in (one, two):
                assert (await replica.post_report("a", body, OLD)).status == of_the_old
                assert (await replica.post_report("a", body, NEW)).status == of_the_new
        assert b'jobindex_signatures_total{line="2"}' in (await one.ask_inside("GET", "/metrics")).body


async def test_an_orthanc_is_reached_by_who_proves_itself_and_believes_it(redis_url: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    right = {"node_ca_file": authority.file, "node_certificate_file": authority.certificate("replica")}
    async with (
        scripted(login=True, tls=authority.server("127.0.0.1", ask=True)) as orthanc,
        replica_on(redis_url, **right) as one,
        replica_on(redis_url) as two,
        replica_on(redis_url, node_tls_verify=False) as three,
    ):
        assert (await one.report("a", job(1), at=orthanc)).status == 200
        await until(lambda: _lists(one, job_id(1)))
        asked = len(orthanc.asked)
        for replica in (two, three):  # the one does not believe it, the other shows nothing
            await until(lambda replica=replica: _knows_a_node(replica))
            assert (await replica.get("/jobs")).status == 503
        assert len(orthanc.asked) == asked
        assert "not verified" in (await three.ask_inside("GET", "/-/ready")).json["Insecure"][0]


async def test_what_was_sealed_with_the_old_secret_is_sealed_anew_while_both_are_valid(
    redis_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.auth.keyring.AGAIN", 0.0)
    file = tmp_path / "secret"
    file.write_text(OLD)
    token = "{jobindex}:token:sample-127.0.0.1-"
    timing = replace(WAITS_FOR_NODES, patience=0.0, visit=0.05, busy_visit=0.05)
    async with scripted() as orthanc:
        more = {"secret_file": file, "sample_routes": True, "sample_port": orthanc.port}
        async with replica_on(redis_url, timing, **more) as replica:
            hello = json.dumps({"api-token": "Bearer 1234"}).encode()
            assert (await replica.ask_inside("POST", "/orthanc/started", hello)).status == 200

            async def opens(secret: str) -> bool:
                sealed = await redis.get(f"{token}{orthanc.port}")
                (node,) = (await replica.get("/job-index/nodes")).json
                return Vault(Keyring(secret)).open(node["ID"], node["Incarnation"], sealed) == "Bearer 1234"

            await until(lambda: opens(OLD))
            file.write_text(f"{NEW}\n{OLD}")
            await until(lambda: opens(NEW))
            file.write_text(NEW)
            orthanc.asked.clear()
            await until(lambda: orthanc.count("GET", "/jobs?expand"))
            assert {each.headers.get("Authorization") for each in orthanc.asked} == {"Bearer 1234"}
