"""The doctor on a real Redis, a replica and nodes: what is bad is named, nothing is changed, no secret is printed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from jobindex.cli import app
from jobindex.cli.doctor.examination import examined
from jobindex.demo.ports import LOOPBACK, free_port
from jobindex.model.finding import OK, PROBLEM, Finding, gravest
from jobindex.store import opened

from ....access import password
from ....builders import job_id, node_record
from ...scripted_orthanc import scripted
from ...web.replica import SECRET, replica_on
from ...words import job

P = "{jobindex}:"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET * 2)
    file.chmod(0o600)
    monkeypatch.setenv("JOBINDEX_SECRET_FILE", str(file))
    monkeypatch.setenv("JOBINDEX_NODE_NETWORKS", '["127.0.0.0/8"]')
    return file


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, index_url: str) -> Iterator[str]:
    monkeypatch.setenv("REDIS_URL", index_url)
    return index_url


def says(findings: list[Finding], *words: str) -> bool:
    """Whether some finding has all the words, and says what to do."""
    return any(all(word in str(each) for word in words) and (each.mend or each.level == OK) for each in findings)


async def test_a_set_up_is_looked_at_whole(here: str) -> None:
    async with scripted(login=True) as orthanc, replica_on(here, secret_file=None) as replica:
        await replica.report("a", job(1), at=orthanc)
        findings = await examined([replica.internal], "")
    assert says(findings, "as user jobindex")
    assert says(findings, "our user may do what it needs, and no more")
    assert says(findings, "every record, set and heartbeat agrees")
    assert says(findings, "1 Orthancs report, answer and want a login")
    assert says(findings, "anybody", "users.acl")
    assert any("append-only" in each.says and each.subject == "replica" for each in findings)
    assert gravest(findings) == 1


async def test_what_is_broken_is_named(here: str, redis: Redis) -> None:
    async with scripted(login=True) as orthanc, replica_on(here, secret_file=None) as replica:
        await replica.report("a", job(1), at=orthanc)
    await redis.hdel(P + "owners", job_id(1))
    await redis.set("another application's", "x")
    await redis.config_set("maxmemory-policy", "volatile-ttl")
    await redis.execute_command("ACL SETUSER", "jobindex", "-zrange", "+keys")
    try:
        findings = await examined([f"http://{LOOPBACK}:{free_port()}"], f"http://{LOOPBACK}:{free_port()}")
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.execute_command("ACL SETUSER", "jobindex", "+zrange", "-keys")
    assert says(findings, "volatile-ttl", "noeviction")
    assert says(findings, "may not: zrange", "users.acl")
    assert says(findings, "may do more than it needs: keys")
    assert says(findings, f"job {job_id(1)} has no owner")
    assert not says(findings, "another application")
    assert says(findings, f"a can't be reached from here at {orthanc.url}: connection refused", "NodeUrl")
    assert says(findings, "does not answer")
    assert says(findings, "does not answer: connection refused")
    assert gravest(findings) == 2


async def test_no_redis_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://jobindex:canary@{LOOPBACK}:{free_port()}/0")
    findings = await examined([], "")
    assert [each.level for each in findings].count(PROBLEM) == 1
    assert says(findings, "Redis can't be asked", "REDIS_URL")
    assert "canary" not in str(findings)


async def test_a_wrong_password_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url.replace("://", "://jobindex:canary@"))
    findings = await examined([], "")
    assert says(findings, "user or password is wrong")
    assert "canary" not in str(findings)


def test_settings_that_may_be_secret_are_named_without_their_value(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv("REDIS_URL", "canary")
    monkeypatch.setenv("JOBINDEX_NODES", "canary")
    ran = CliRunner().invoke(app, ["doctor"])
    assert (ran.exit_code, ran.output.count("problem")) == (2, 2)
    assert "canary" not in ran.output
    monkeypatch.undo()
    monkeypatch.setenv("JOBINDEX_SECRET_FILE", str(secret.parent / "nowhere"))
    ran = CliRunner().invoke(app, ["doctor"])
    assert (ran.exit_code, "No such file" in ran.output) == (2, True)


def test_scripts_get_json_and_a_status(here: str) -> None:
    ran = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(ran.output)
    assert (ran.exit_code, told["Status"]) == (1, "warning")
    assert {"level", "subject", "says", "mend"} == set(told["Findings"][0])
    for word in (SECRET, password("jobindex")):
        assert word not in ran.output


async def test_administrator_a_node_that_can_not_be_reached_is_told_with_its_address_and_why(here: str) -> None:
    """By a name that nobody knows, at a port where nobody listens, at one where somebody says nothing."""
    addresses = {
        "unknown": ("http://nowhere.invalid:8042", "its name is unknown"),
        "refused": (f"http://{LOOPBACK}:{free_port()}", "connection refused"),
        "outside": ("http://192.0.2.1:8042", "JOBINDEX_NODE_NETWORKS"),
    }
    async with opened(here) as store:
        for node_id, (url, _) in addresses.items():
            await store.nodes.register(node_id, node_record(node_id, url), 60_000)
    findings = await examined([], "")
    for node_id, (url, why) in addresses.items():
        assert says(
            findings, f"{node_id} can't be reached from here at {url}: ", why, "NodeUrl in /etc/orthanc/jobindex.json"
        )


async def test_administrator_a_secret_that_differs_is_said_to_differ(here: str) -> None:
    async with replica_on(here, secret_file=None) as replica:
        await replica.post_report("orthanc-a", b"{}", secret="another secret of a cluster")
        findings = await examined([replica.internal], "")
    assert says(findings, "reports of orthanc-a are refused: its secret differs from the replicas'", "jobindex-secret")
    assert gravest(findings) == 2
