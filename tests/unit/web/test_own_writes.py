"""Read your own writes, for one job: what was acknowledged on one replica is known to every other at once."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from jobindex.store.changes import Change, Changes

from ...builders import job_id
from ..scripted_orthanc import LOGIN, ScriptedOrthanc, Told
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

PATH = f"/jobs/{job_id(1)}"
LAG = 0.1


@pytest.fixture
def slow_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every view follows the index with a lag that a request can wait for."""
    read = Changes.after

    async def read_late(changes: Changes, version: int) -> list[Change]:
        found = await read(changes, version)
        if found:
            await asyncio.sleep(LAG)
        return found

    monkeypatch.setattr(Changes, "after", read_late)


@pytest.fixture
async def second(replica: Replica, index_url: str) -> AsyncIterator[Replica]:
    """Another replica on the same index."""
    async with replica_on(index_url) as second:
        await second.knows_whom_to_ask(nodes=2)
        yield second


async def ended(replicas: tuple[Replica, ...], orthanc: ScriptedOrthanc, number: int = 1) -> None:
    """A finished job of node a, which every replica lists, and which its Orthanc forgets when it is deleted."""
    path = f"/jobs/{job_id(number)}"
    orthanc.tell_job(job_id(number), job(number, "Success"))
    orthanc.tell(path, method="DELETE")
    await replicas[0].report("a", job(number, "Success"))

    async def listed() -> bool:
        return all([job_id(number) in (await each.get("/jobs")).json for each in replicas])

    await until(listed)


async def delete(replica: Replica, orthanc: ScriptedOrthanc, number: int = 1) -> int:
    path = f"/jobs/{job_id(number)}"
    status = (await replica.ask("DELETE", path)).status
    orthanc.forget(path)
    orthanc.forget(path, method="DELETE")
    return status


@pytest.mark.usefixtures("slow_views")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same replica", "another replica"])
async def test_read_your_writes_a_job_that_was_deleted_is_404(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc, method: str, *, elsewhere: bool
) -> None:
    await ended((replica, second), orthanc)
    assert await delete(replica, orthanc) == 200
    assert (await (second if elsewhere else replica).ask(method, PATH)).status == 404


@pytest.mark.usefixtures("slow_views")
async def test_read_your_writes_an_action_on_a_deleted_job_is_not_sent(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc
) -> None:
    await ended((replica, second), orthanc)
    assert await delete(replica, orthanc) == 200
    assert (await second.ask("POST", f"{PATH}/resubmit")).status == 400
    assert orthanc.count("POST", f"{PATH}/resubmit") == 0


@pytest.mark.usefixtures("slow_views")
async def test_read_your_writes_an_end_is_told_although_its_owner_does_not_answer(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc
) -> None:
    await replica.report("a", job(1))
    orthanc.tell_job(job_id(1), job(1))

    async def listed() -> bool:
        return (await second.get(PATH)).status == 200

    await until(listed)
    orthanc.tell(PATH, drops=True)
    assert (await replica.report("a", job(1, "Success", at=1))).status == 200
    assert (await second.get(PATH)).json["State"] == "Success"


@pytest.mark.usefixtures("slow_views")
@pytest.mark.parametrize(
    ("method", "path"), [("POST", f"{PATH}/cancel"), ("GET", f"{PATH}/archive"), ("DELETE", f"{PATH}/archive")]
)
async def test_read_your_writes_whoever_has_the_job_now_is_asked(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, method: str, path: str
) -> None:
    await replica.report("a", job(1))

    async def listed() -> bool:
        return job_id(1) in (await second.get("/jobs")).json

    await until(listed)
    await replica.report("a", Goodbye=True)
    for at in (orthanc, other):
        at.tell(path, b"{}", method=method)
    assert (await replica.report("b", job(1, at=1))).status == 200
    assert (await second.ask(method, path)).status == 200
    assert (orthanc.count(method, path), other.count(method, path)) == (0, 1)


@pytest.mark.usefixtures("slow_views")
async def test_read_your_writes_a_job_deleted_while_its_owner_is_asked_is_404(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc
) -> None:
    await ended((replica, second), orthanc)
    deleted = asyncio.Event()
    orthanc.tell(PATH, status=404, until=deleted)
    reading = asyncio.create_task(second.get(PATH))
    await until(lambda: orthanc.count("GET", PATH) == 1)
    assert await delete(replica, orthanc) == 200
    deleted.set()
    assert (await reading).status == 404


@pytest.mark.parametrize("second_answer", [404, 405])
async def test_read_your_writes_of_two_who_delete_at_once_one_has_deleted(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc, second_answer: int
) -> None:
    """Orthanc answers the later one 404, before 1.12.2 405; it was there for neither when the former had its answer."""
    await ended((replica, second), orthanc)
    gone = asyncio.Event()
    answers = [Told(), Told(status=second_answer, until=gone)]
    orthanc.tell_in_turn(PATH, answers, method="DELETE")
    first = asyncio.create_task(replica.ask("DELETE", PATH))
    await until(lambda: orthanc.count("DELETE", PATH) == 1)
    later = asyncio.create_task(second.ask("DELETE", PATH))
    await until(lambda: orthanc.count("DELETE", PATH) == 2)
    assert (await first).status == 200
    orthanc.forget(PATH)
    gone.set()
    assert (await later).status == 404


async def test_read_your_writes_a_deleted_job_is_404_although_another_orthanc_is_silent(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await ended((replica, second), orthanc)
    other.tell(PATH, hangs=True)
    assert await delete(replica, orthanc) == 200
    assert [(await each.get(PATH)).status for each in (second, replica)] == [404, 404]


async def test_read_your_writes_many_deleted_jobs_are_404_and_not_429(
    replica: Replica, orthanc: ScriptedOrthanc
) -> None:
    numbers = range(1, 41)
    for number in numbers:
        await ended((replica,), orthanc, number)
        assert await delete(replica, orthanc, number) == 200
    told = await asyncio.gather(*(replica.get(f"/jobs/{job_id(number)}") for number in numbers))
    assert {each.status for each in told} == {404}


def unreported(orthanc: ScriptedOrthanc, number: int = 1) -> None:
    """The Orthanc has a job that it has not reported yet."""
    orthanc.tell("/jobs", json.dumps([job_id(number)]).encode())
    orthanc.tell_job(job_id(number), job(number))


async def tell(replica: Replica, event: str) -> int:
    """A submission began, or ended, as nginx says it."""
    return (await replica.ask("POST", f"/job-index/submissions/{'a' * 32}/{event}", {})).status


@pytest.mark.parametrize("events", [("began",), ("began", "ended"), ("ended",)])
async def test_read_your_writes_a_list_around_a_submission_has_its_job(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc, events: tuple[str, ...]
) -> None:
    unreported(orthanc)
    assert [await tell(replica, event) for event in events] == [204] * len(events)
    assert (await second.get("/jobs")).json == [job_id(1)]
    assert [each["ID"] for each in (await replica.get("/jobs?expand")).json] == [job_id(1)]


async def test_read_your_writes_a_poll_that_is_known_asks_the_nodes_too(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc
) -> None:
    for _ in range(4):
        assert (await second.get("/jobs")).json == []
    unreported(orthanc)
    await tell(replica, "began")
    assert (await second.get("/jobs")).json == [job_id(1)]
    unreported(orthanc, 2)
    assert job_id(2) in (await second.get("/jobs")).json


@pytest.mark.parametrize(
    ("before", "action", "soon", "then"),
    [
        ("Running", "pause", "Running", "Paused"),
        ("Running", "cancel", "Running", "Failure"),
        ("Paused", "resume", "Pending", "Running"),
        ("Failure", "resubmit", "Pending", "Success"),
    ],
)
async def test_read_your_writes_the_list_follows_an_action_that_takes_a_while(
    replica: Replica, second: Replica, orthanc: ScriptedOrthanc, before: str, action: str, soon: str, then: str
) -> None:
    """No report comes meanwhile: those of a busy Orthanc come each second, others' each five."""
    await replica.report("a", job(1, before))
    orthanc.tell(f"{PATH}/{action}", b"{}", method="POST")
    read = [Told(body=job(1, soon, at=1)), Told(body=job(1, soon, at=2)), Told(body=job(1, then, at=3))]
    orthanc.tell_in_turn(PATH, read)

    async def listed() -> bool:
        return job_id(1) in (await second.get("/jobs")).json

    await until(listed)
    assert (await second.ask("POST", f"{PATH}/{action}")).status == 200

    async def follows() -> bool:
        return [each["State"] for each in (await replica.get("/jobs?expand")).json] == [then]

    async with asyncio.timeout(2):
        await until(follows)
    assert orthanc.count("POST", f"{PATH}/{action}") == 1
    assert orthanc.count("GET", PATH) == 3


EXACT = LOGIN | {"Cache-Control": "no-cache"}


async def test_read_your_writes_an_exact_list_has_a_job_that_can_not_be_read_at_that_very_moment(
    replica: Replica, orthanc: ScriptedOrthanc
) -> None:
    """Orthanc answers 400 while it can't format the progress of an archive."""
    unreported(orthanc)
    orthanc.tell_in_turn(PATH, [Told(status=400), Told(status=400), Told(body=job(1))])
    assert (await replica.get("/jobs", EXACT)).json == [job_id(1)]


async def test_read_your_writes_exact_lists_wait_once_for_an_orthanc_that_does_not_answer(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await replica.get("/jobs")
    orthanc.tell("/jobs", hangs=True)
    await replica.get("/jobs", EXACT)
    asked = orthanc.count("GET", "/jobs")
    unreported(other)
    assert (await replica.get("/jobs", EXACT)).json == [job_id(1)]
    assert orthanc.count("GET", "/jobs") == asked
