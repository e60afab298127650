"""A replica that only lists: who may see that is told so, and nothing is ever passed on."""

from collections.abc import AsyncIterator

import pytest

from ...builders import job_id
from ..scripted_orthanc import CHALLENGE, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

PATH = f"/jobs/{job_id(1)}"
CHANGES = [
    ("POST", f"{PATH}/cancel"),
    ("POST", f"{PATH}/resubmit"),
    ("DELETE", PATH),
    ("DELETE", f"{PATH}/archive"),
    ("POST", "/job-index/nodes/a/give-up"),
    ("POST", "/jobs"),
    ("DELETE", "/nothing"),
    ("POST", f"/jobs/{job_id(9)}/cancel"),
]


@pytest.fixture
async def reading(redis_url: str, orthanc: ScriptedOrthanc) -> AsyncIterator[Replica]:
    """Job 1 has ended on its node."""
    orthanc.tell_job(job_id(1), job(1, "Success"))
    async with replica_on(redis_url, read_only=True) as replica:
        await replica.report("a", job(1, "Success"), at=orthanc)
        await until(lambda: _lists(replica))
        orthanc.asked.clear()
        yield replica


async def _lists(replica: Replica) -> bool:
    answer = await replica.get("/jobs")
    return answer.status == 200 and answer.json == [job_id(1)]


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_whoever_may_list_is_told_that_nothing_is_changed_here(
    reading: Replica, orthanc: ScriptedOrthanc, method: str, path: str
) -> None:
    answer = await reading.ask(method, path)
    assert (answer.status, answer.json["OrthancStatus"], answer.json["Method"]) == (403, 22, method)
    assert answer.json["Details"] == "This index only lists: it passes no action and no deletion on to any Orthanc"
    assert {each.method for each in orthanc.asked} <= {"GET"}


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_stranger_learns_nothing_of_it(
    reading: Replica, orthanc: ScriptedOrthanc, method: str, path: str
) -> None:
    answer = await reading.ask(method, path, {})
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == CHALLENGE["WWW-Authenticate"]
    assert {each.method for each in orthanc.asked} <= {"GET"}


async def test_reading_goes_on(reading: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(f"{PATH}/archive", b"zip")
    assert (await reading.get(PATH)).json["ID"] == job_id(1)
    assert (await reading.get(f"{PATH}/archive")).body == b"zip"
    assert (await reading.ask("PUT", "/jobs")).status == 405


async def test_nodes_still_report(reading: Replica) -> None:
    assert (await reading.report("a", job(2))).status == 200
