"""Who did what to which job of which node is in the trail, asked before it is sent and answered when it is over."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ...builders import job_id
from ..scripted_orthanc import LOGIN, ScriptedOrthanc, Told
from ..waiting import until
from ..words import job
from .replica import Replica, client, replica_on

CANCEL = f"/jobs/{job_id(1)}/cancel"
ARCHIVE = f"/jobs/{job_id(1)}/archive"
PATIENT = "PATIENT-CANARY"
TOKEN = "TOKEN-CANARY"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@asynccontextmanager
async def audited(redis_url: str, path: Path, orthanc: ScriptedOrthanc, **more: Any) -> AsyncIterator[Replica]:
    """A replica that knows job 1 of node a."""
    async with replica_on(redis_url, audit_file=str(path), **more) as replica:
        told = job(1, Content={"Description": PATIENT, "Query": [{"PatientName": PATIENT}]})
        assert (await replica.report("a", told, at=orthanc)).status == 200
        orthanc.tell_job(job_id(1), told)
        await until(lambda: _lists_it(replica))
        yield replica


async def _lists_it(replica: Replica) -> bool:
    answer = await replica.get("/jobs")
    return (answer.status, answer.body) == (200, f'["{job_id(1)}"]'.encode())


@pytest.fixture
async def replica(redis_url: str, path: Path, orthanc: ScriptedOrthanc) -> AsyncIterator[Replica]:
    async with audited(redis_url, path, orthanc) as replica:
        yield replica


def text(path: Path) -> str:
    return path.read_text()


def full(path: Path) -> None:
    """What is written there fails as on a full disk."""
    path.symlink_to("/dev/full")


def empty(path: Path) -> None:
    """From now on it can be written."""
    path.unlink()
    path.touch()


def records(path: Path, *phases: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text(path).splitlines()]
    return [each for each in found if each["Phase"] in phases]


async def pair(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one asked and the one answered that are there; more would be a failure."""
    await until(lambda: len(records(path, "answered")) > 0)
    asked, answered = records(path, "asked", "answered")
    assert (asked["Phase"], answered["Phase"]) == ("asked", "answered")
    assert asked["RequestID"] == answered["RequestID"]
    return asked, answered


def named(record: dict[str, Any]) -> list[str]:
    return [each["ParticipantObjectID"] for each in record["ParticipantObject"]]


async def test_an_action_is_asked_and_answered(replica: Replica, path: Path, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(CANCEL, b"{}", method="POST")
    answer = await replica.ask("POST", CANCEL)
    asked, answered = await pair(path)
    for record in (asked, answered):
        assert record["EventTypeCode"][0]["csd-code"] == "POST /jobs/{id}/cancel"
        assert record["ActiveParticipant"][0]["UserID"] == "demo"
        assert record["ActiveParticipant"][0]["NetworkAccessPointID"] == "127.0.0.1"
        assert named(record) == [job_id(1), "a"]
        assert record["RequestID"] == answer.headers["X-Request-Id"]
    assert (answered["Status"], answered["EventOutcomeIndicator"]) == (200, 0)


async def test_what_is_asked_is_written_before_anything_is_sent(
    replica: Replica, path: Path, orthanc: ScriptedOrthanc
) -> None:
    """So a replica that dies in between leaves it."""
    sent = asyncio.Event()
    orthanc.tell_in_turn(CANCEL, [Told(until=sent)], method="POST")
    asking = asyncio.create_task(replica.ask("POST", CANCEL))
    await until(lambda: orthanc.count("POST", CANCEL) == 1)
    assert [each["Phase"] for each in records(path, "asked", "answered")] == ["asked"]
    sent.set()
    await asking
    await pair(path)


async def test_who_hangs_up_does_not_keep_the_answer_out(
    replica: Replica, path: Path, orthanc: ScriptedOrthanc
) -> None:
    sent = asyncio.Event()
    orthanc.tell_in_turn(CANCEL, [Told(body=b"{}", until=sent)], method="POST")
    async with client() as session:
        asking = asyncio.create_task(Replica(_port(replica.public), 0, session).ask("POST", CANCEL))
        await until(lambda: orthanc.count("POST", CANCEL) == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    sent.set()
    _, answered = await pair(path)
    assert answered["Status"] == 200


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize(
    ("told", "status", "outcome"),
    [({"status": 400}, 400, 4), ({"status": 403}, 403, 4), ({"drops": True}, 504, 8), ({"status": 500}, 500, 8)],
)
async def test_what_failed_is_answered_once_too(
    replica: Replica, path: Path, orthanc: ScriptedOrthanc, told: dict[str, Any], status: int, outcome: int
) -> None:
    orthanc.tell(CANCEL, method="POST", **told)
    assert (await replica.ask("POST", CANCEL)).status == status
    _, answered = await pair(path)
    assert (answered["Status"], answered["EventOutcomeIndicator"]) == (status, outcome)


async def test_a_deletion_names_the_node_although_the_job_is_gone(
    replica: Replica, path: Path, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(f"/jobs/{job_id(1)}", method="DELETE")
    assert (await replica.ask("DELETE", f"/jobs/{job_id(1)}")).status == 200
    asked, answered = await pair(path)
    assert (asked["EventActionCode"], named(answered)) == ("D", [job_id(1), "a"])


async def test_a_download_is_an_export(replica: Replica, path: Path, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(ARCHIVE, b"PK")
    answer = await replica.get(ARCHIVE)
    asked, answered = await pair(path)
    assert (asked["EventID"]["csd-code"], answered["EventOutcomeIndicator"]) == ("110106", 0)
    assert asked["RequestID"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("length", [2000, 5_000_000])
async def test_a_download_that_broke_off_is_no_success(
    replica: Replica, path: Path, orthanc: ScriptedOrthanc, length: int
) -> None:
    orthanc.tell(ARCHIVE, bytes(length), cut=length - 1, headers={"Content-Length": str(length)})
    with pytest.raises(aiohttp.ClientError):
        await replica.get(ARCHIVE)
    _, answered = await pair(path)
    assert answered["EventOutcomeIndicator"] == 8


async def test_nor_is_one_whose_caller_has_left(replica: Replica, path: Path, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(ARCHIVE, endless=True, headers={"Content-Length": str(1 << 40)})
    async with replica.session.get(replica.public + ARCHIVE, headers=LOGIN) as response:
        await response.content.readexactly(5_000_000)
        response.close()
    _, answered = await pair(path)
    assert answered["EventOutcomeIndicator"] == 8


async def test_a_refused_login_is_recorded(replica: Replica, path: Path) -> None:
    wrong = {"Authorization": aiohttp.encode_basic_auth("eve", "wrong")}
    assert (await replica.get("/jobs", wrong)).status == 401
    await until(lambda: "110114" in text(path))
    (refused,) = [each for each in records(path, "noted") if each["EventID"]["csd-code"] == "110114"]
    assert (refused["Status"], refused["EventOutcomeIndicator"]) == (401, 4)
    assert refused["ActiveParticipant"][0]["UserID"] == "eve"


async def test_who_gives_no_name_has_a_fingerprint(replica: Replica, path: Path) -> None:
    assert (await replica.get("/jobs", {"Authorization": f"Bearer {TOKEN}"})).status == 401
    await until(lambda: "110114" in text(path))
    assert '"UserID":"~' in text(path)
    assert TOKEN not in text(path)


async def test_polls_are_counted_and_no_query_gets_in(replica: Replica, path: Path) -> None:
    for _ in range(5):
        await replica.get(f"/jobs?expand&token={TOKEN}")
    await replica.get(f"/jobs/{PATIENT}")
    assert (await replica.ask("POST", f"/jobs/{PATIENT}/cancel")).status == 400
    reads = [each for each in records(path, "noted") if each["EventID"]["csd-code"] == "110112"]
    assert [each["Status"] for each in reads if each["Status"] != 503] == [200, 404]
    for canary in (TOKEN, PATIENT, "demo:demo", LOGIN["Authorization"]):
        assert canary not in text(path)


async def test_reads_can_be_left_out_but_not_refusals(redis_url: str, path: Path, orthanc: ScriptedOrthanc) -> None:
    async with audited(redis_url, path, orthanc, audit_reads=False) as replica:
        await replica.get("/jobs", {})
        await until(lambda: "110114" in text(path))
        assert "110112" not in text(path)


async def test_nodes_come_and_go_and_forged_reports_are_alerts(replica: Replica, path: Path) -> None:
    await replica.post_report("a", b"{}", secret="another secret than that of the cluster")
    await replica.report("a", Goodbye=True)
    await until(lambda: "110125" in text(path))
    types = [each["EventTypeCode"][0]["csd-code"] for each in records(path, "noted") if "EventTypeCode" in each]
    assert types == ["110120", "110124", "110126", "110125"]


async def test_what_an_operator_does_to_a_node_is_recorded(replica: Replica, path: Path) -> None:
    await replica.report("a", Goodbye=True)
    await replica.ask("POST", "/job-index/nodes/a/give-up")
    asked, _ = await pair(path)
    assert named(asked) == ["a"]


async def test_a_service_has_a_first_and_a_last_record(redis_url: str, path: Path, orthanc: ScriptedOrthanc) -> None:
    async with audited(redis_url, path, orthanc) as replica:
        await replica.get("/jobs")
    types = [each["EventTypeCode"][0]["csd-code"] for each in records(path, "noted") if "EventTypeCode" in each]
    assert (types[0], types[-1]) == ("110120", "110121")
    counts = [each for each in records(path, "noted") if "Count" in each]
    assert 200 in [each["Status"] for each in counts], "what was counted is written in the end"


async def test_without_a_trail_the_service_goes_on_and_says_so(
    redis_url: str, path: Path, orthanc: ScriptedOrthanc
) -> None:
    full(path)
    orthanc.tell(CANCEL, b"{}", method="POST")
    async with audited(redis_url, path, orthanc) as replica:
        await until(lambda: _says(replica, "failing"))
        assert (await replica.ask("POST", CANCEL)).status == 200
        assert b"jobindex_audit_failing 1.0" in (await replica.ask_inside("GET", "/metrics")).body


async def test_a_required_trail_that_fails_refuses_changes_but_no_reads(
    redis_url: str, path: Path, orthanc: ScriptedOrthanc
) -> None:
    full(path)
    async with audited(redis_url, path, orthanc, audit_required=True) as replica:
        for method, target in (("POST", CANCEL), ("DELETE", f"/jobs/{job_id(1)}"), ("GET", ARCHIVE)):
            answer = await replica.ask(method, target)
            refused = 503 if method == "GET" else 500
            assert (answer.status, answer.json["Details"][:15]) == (refused, "The audit trail")
            assert ("Retry-After" in answer.headers, answer.json.get("OutcomeUnknown", True)) == (
                method == "GET",
                method == "GET",
            )
        assert [each.path for each in orthanc.asked if each.method != "GET" or each.path == ARCHIVE] == []
        assert (await replica.get("/jobs")).status == 200
        empty(path)
        await until(lambda: len(records(path, "answered")) == 3)
        assert [each["Status"] for each in records(path, "answered")] == [500, 500, 503]
        assert len(records(path, "asked")) == 3


async def _says(replica: Replica, state: str) -> bool:
    return bool((await replica.ask_inside("GET", "/-/ready")).json["Audit"] == state)
