"""One job, its actions and its removal: Orthanc's statuses and forms, whatever becomes of the owner."""

import asyncio

import pytest

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc, Told
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

PATH = f"/jobs/{job_id(1)}"
CANCEL = f"{PATH}/cancel"
UNKNOWN = f"/jobs/{job_id(9)}"


@pytest.fixture
async def owned(replica: Replica, orthanc: ScriptedOrthanc) -> Replica:
    """Job 1 runs on node a."""
    await replica.report("a", job(1))
    orthanc.tell_job(job_id(1), job(1))
    return replica


async def test_a_job_is_an_object_with_one_more_member(owned: Replica) -> None:
    answer = await owned.get(PATH)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert list(answer.json)[-1] == "JobIndex"
    assert answer.json["JobIndex"] == {"Node": "a", "NodeState": "Alive"}


@pytest.mark.parametrize("path", [UNKNOWN, "/jobs/not-an-id"])
async def test_an_unknown_job_is_404_without_a_body(owned: Replica, path: str) -> None:
    answer = await owned.get(path)
    assert (answer.status, answer.body) == (404, b"")
    assert "Content-Type" not in answer.headers


async def test_a_job_that_nobody_reported_yet_is_found(owned: Replica, other: ScriptedOrthanc) -> None:
    other.tell_job(job_id(9), job(9))
    assert (await owned.get(UNKNOWN)).json["JobIndex"]["Node"] == "b"
    assert job_id(9) in (await owned.get("/jobs")).json


async def test_an_unknown_job_is_unclear_while_a_node_does_not_answer(owned: Replica, other: ScriptedOrthanc) -> None:
    other.tell(UNKNOWN, drops=True)
    answer = await owned.get(UNKNOWN)
    assert answer.status == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("action", ["cancel", "pause", "resume", "resubmit"])
async def test_an_action_reaches_the_owner_once_as_the_caller_and_is_seen_at_once(
    owned: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, redis_url: str, action: str
) -> None:
    async with replica_on(redis_url) as second:
        path = f"{PATH}/{action}"
        orthanc.tell(path, b"{}", method="POST", headers={"Content-Type": "application/json", "Set-Cookie": "a=b"})
        orthanc.tell_job(job_id(1), job(1, "Paused", at=1))
        answer = await owned.ask("POST", path)
        assert (answer.status, answer.body) == (200, b"{}")
        assert answer.headers["Content-Type"] == "application/json"
        assert "Set-Cookie" not in answer.headers
        assert (await second.get("/jobs?status=Paused")).json == [job_id(1)]
    assert orthanc.count("POST", path) == 1
    assert orthanc.asked[0].headers["Authorization"] == AUTHORIZATION
    assert not any(asked.method == "POST" for asked in other.asked)


async def test_what_the_owner_refuses_to_do_is_told_as_it_tells_it(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    for told in (Told(400), Told(500, b'{"OrthancStatus" : 6}', {"Content-Type": "text/plain"}), Told(403)):
        orthanc.tell_in_turn(CANCEL, [told], method="POST")
        answer = await owned.ask("POST", CANCEL)
        assert (answer.status, answer.body) == (told.status, told.body)


@pytest.mark.parametrize("path", [f"{UNKNOWN}/cancel", "/jobs/not-an-id/cancel"])
async def test_acting_on_an_unknown_job_is_400_without_a_body(owned: Replica, path: str) -> None:
    answer = await owned.ask("POST", path)
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(("method", "path"), [("POST", CANCEL), ("DELETE", PATH), ("DELETE", f"{PATH}/archive")])
async def test_an_unclear_outcome_is_504_said_so_and_never_tried_again(
    owned: Replica, orthanc: ScriptedOrthanc, method: str, path: str
) -> None:
    orthanc.tell(path, method=method, drops=True)
    answer = await owned.ask(method, path)
    assert (answer.status, answer.json["OutcomeUnknown"]) == (504, True)
    assert "Retry-After" not in answer.headers
    assert orthanc.count(method, path) == 1
    assert (await owned.get("/jobs")).json == [job_id(1)]


@pytest.mark.parametrize(("method", "path"), [("POST", CANCEL), ("DELETE", f"{PATH}/archive")])
async def test_in_use_where_nothing_could_be_sent_it_says_so(owned: Replica, method: str, path: str) -> None:
    await owned.report("a", Goodbye=True)
    await owned.get("/jobs")
    answer = await owned.ask(method, path)
    assert (answer.status, answer.json["OutcomeUnknown"]) == (500, False)
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [("POST", CANCEL), ("DELETE", PATH), ("DELETE", f"{PATH}/archive")])
@pytest.mark.parametrize(("status", "shown"), [(502, 504), (503, 504), (429, 429), (413, 413), (500, 500)])
async def test_in_use_what_an_owner_says_of_a_change_never_looks_done(
    owned: Replica, orthanc: ScriptedOrthanc, method: str, path: str, status: int, shown: int
) -> None:
    """As an Orthanc whose database is away, or a proxy before it, answers."""
    orthanc.tell(path, b"{}", method=method, status=status, headers={"Retry-After": "1"})
    answer = await owned.ask(method, path)
    assert (answer.status, "Retry-After" in answer.headers) == (shown, False)
    assert answer.json.get("OutcomeUnknown") == (True if shown == 504 else None)
    assert orthanc.count(method, path) == 1


async def test_what_was_deleted_is_answered_as_orthanc_answers_and_is_gone(
    owned: Replica, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, method="DELETE")
    answer = await owned.ask("DELETE", PATH)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert (await owned.get("/jobs")).json == []


@pytest.mark.parametrize("path", [UNKNOWN, "/jobs/not-an-id"])
async def test_deleting_an_unknown_job_is_orthanc_s_error(owned: Replica, path: str) -> None:
    answer = await owned.ask("DELETE", path)
    assert (answer.status, answer.json["OrthancStatus"]) == (404, 7)
    assert answer.json["Details"] == f"No job found with this id: {path.split('/')[-1]}"


async def test_deleting_a_running_job_is_the_owner_s_error(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, b'{"OrthancStatus" : 7}', method="DELETE", status=404)
    answer = await owned.ask("DELETE", PATH)
    assert (answer.status, answer.body) == (404, b'{"OrthancStatus" : 7}')
    assert (await owned.get("/jobs")).json == [job_id(1)]


async def test_what_was_sent_is_taken_in_though_the_caller_hung_up(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    gate = asyncio.Event()
    orthanc.tell(CANCEL, b"{}", method="POST", until=gate)
    asking = asyncio.create_task(owned.ask("POST", CANCEL))
    await until(lambda: orthanc.count("POST", CANCEL) == 1)
    asking.cancel()
    orthanc.tell_job(job_id(1), job(1, "Failure", at=1))
    gate.set()

    async def is_seen() -> bool:
        return (await owned.get("/jobs?status=Failure")).json == [job_id(1)]

    await until(is_seen)
    assert orthanc.count("POST", CANCEL) == 1
