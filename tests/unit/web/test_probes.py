"""What Kubernetes and Prometheus are told."""

import time

import pytest
from redis.asyncio import Redis

from jobindex.audit.trail import opened
from jobindex.auth.untrusted import UntrustedPeers
from jobindex.errors import NotSigned
from jobindex.model.node import ALIVE, LATE
from jobindex.service.insecurity import Insecurity
from jobindex.service.refused_reports import RefusedReports
from jobindex.service.view import View
from jobindex.web.probes import ProbesDoor

from ...builders import node_record
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on


async def test_a_replica_that_serves_is_healthy_and_ready(alone: Replica) -> None:
    assert (await alone.ask_inside("GET", "/-/healthy")).status == 200
    ready = await alone.ask_inside("GET", "/-/ready")
    told = {name: ready.json[name] for name in ("Ready", "Index", "Audit")}
    assert (ready.status, told) == (200, {"Ready": True, "Index": "connected", "Audit": "written"})


async def test_what_is_unsafe_in_redis_is_told_in_words(alone: Replica) -> None:
    warnings = (await alone.ask_inside("GET", "/-/ready")).json["Warnings"]
    assert any("append-only" in warning for warning in warnings)
    assert any("default user" in warning and "users.acl" in warning for warning in warnings)


async def test_a_policy_that_somebody_changes_is_told_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, redis: Redis, index_url: str
) -> None:
    monkeypatch.setattr("jobindex.wiring.chores.LOOK_EVERY", 0.05)
    async with replica_on(index_url) as replica:
        await redis.config_set("maxmemory-policy", "volatile-lru")
        try:
            await until(lambda: _warns(replica, "volatile-lru"))
        finally:
            await redis.config_set("maxmemory-policy", "noeviction")
        assert (await replica.ask_inside("GET", "/-/ready")).status == 200


async def _warns(replica: Replica, word: str) -> bool:
    return word in str((await replica.ask_inside("GET", "/-/ready")).json.get("Warnings"))


async def test_prometheus_is_told_of_jobs_and_nodes(replica: Replica) -> None:
    await replica.report("a", job(1))
    await replica.get("/jobs")
    answer = await replica.ask_inside("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.body.decode().splitlines()
    assert "jobindex_jobs 1.0" in lines
    assert 'jobindex_nodes{state="Alive"} 2.0' in lines
    assert "jobindex_full 1.0" in lines
    assert "jobindex_index_connected 1.0" in lines
    counted = 'jobindex_request_seconds_count{door="jobs",method="GET",status="200"}'
    assert any(line.startswith(counted) for line in lines)


async def test_callers_can_not_make_up_labels(replica: Replica) -> None:
    for path in ("/made-up-by-a-caller", "/jobs-made-up"):
        await replica.get(path)
    assert b"made-up" not in (await replica.ask_inside("GET", "/metrics")).body


@pytest.mark.parametrize(("states", "most"), [((LATE, LATE, ALIVE), 1), ((LATE, ALIVE), 0), ((ALIVE, ALIVE), 0)])
async def test_the_silence_of_most_nodes_is_told_for_as_long_as_it_lasts(states: tuple[str, ...], most: int) -> None:
    """Once it was told for ever, since nobody looked again when all was well."""
    view = View()
    view.nodes = {str(number): node_record().model_copy(update={"state": each}) for number, each in enumerate(states)}
    with opened("none") as trail:
        door = ProbesDoor(view, Insecurity(()), None, trail, UntrustedPeers(), RefusedReports())  # type: ignore[arg-type]  # of Redis it asks nothing,
        told = await door.metrics(None)  # type: ignore[arg-type]  # and nothing of the call
    assert f"jobindex_mass_silence {most}.0" in told.body.decode().splitlines()


async def test_administrator_whose_reports_are_refused_is_told_until_one_is_taken(replica: Replica) -> None:
    assert await _refused(replica) == {}
    await replica.post_report("c", b"{}", secret="another secret of a cluster")
    assert "secret" in (await _refused(replica))["c"]
    await replica.post_report("a", b"{}", off=120_000)
    assert "clock" in (await _refused(replica))["a"]
    await replica.post_report("not%20an%20id", b"{}", secret="another secret of a cluster")
    await replica.report("a", job(1))
    assert list(await _refused(replica)) == ["c"]


async def test_administrator_made_up_names_fill_nothing(replica: Replica) -> None:
    for number in range(30):
        await replica.post_report(f"made-up-{number}", b"{}", secret="another secret of a cluster")
    assert len(await _refused(replica)) == 20


def test_administrator_a_refusal_of_long_ago_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    refused, now = RefusedReports(), time.monotonic()
    refused.note("a", NotSigned("why"))
    assert refused.shown() == {"a": "why"}
    monkeypatch.setattr(time, "monotonic", lambda: now + 301)
    assert refused.shown() == {}


async def _refused(replica: Replica) -> dict[str, str]:
    told: dict[str, str] = (await replica.ask_inside("GET", "/-/ready")).json.get("RefusedReports", {})
    return told
