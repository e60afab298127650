"""The authorization plugin's tokens in the query: they travel with all that is asked, and nothing else does."""

from collections.abc import AsyncIterator

import orjson
import pytest

from jobindex.service.rights import NO_JOB

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc, scripted
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

PATH = f"/jobs/{job_id(1)}"
NOISE = "_method=DELETE&expand&token=a%26b%2f&Token=no&tokens=no&status=Success&key=2"
ALONG = "token=a%26b%2F&key=2"
NAMED = {"token_arguments": ("token", "key"), "token_headers": ("api-key",)}


@pytest.fixture
async def open_orthanc() -> AsyncIterator[ScriptedOrthanc]:
    async with scripted() as orthanc:
        yield orthanc


@pytest.fixture
async def replica(redis_url: str, open_orthanc: ScriptedOrthanc) -> AsyncIterator[Replica]:
    """It names two arguments and a header; job 1 has ended on its only node."""
    for path, body in (("/jobs", orjson.dumps([job_id(1), job_id(2)])), (PATH, job(1)), (f"/jobs/{job_id(2)}", job(2))):
        open_orthanc.tell(f"{path}?{ALONG}", body)
    async with replica_on(redis_url, **NAMED) as replica:
        assert (await replica.report("a", job(1, "Success"), at=open_orthanc)).status == 200

        async def knows_whom_to_ask() -> bool:
            return (await replica.get("/job-index/nodes")).status == 200

        await until(knows_whom_to_ask)
        open_orthanc.asked.clear()
        yield replica


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("GET", "/jobs", ["GET /jobs"]),
        ("GET", PATH, [f"GET {PATH}"]),
        ("GET", f"{PATH}/archive", [f"GET {PATH}/archive"]),
        ("DELETE", PATH, [f"DELETE {PATH}", f"GET {PATH}"]),
        ("DELETE", f"{PATH}/archive", [f"DELETE {PATH}/archive", f"GET {PATH}"]),
        ("POST", f"{PATH}/cancel", [f"POST {PATH}/cancel", f"GET {PATH}"]),
        ("GET", f"/jobs/{job_id(9)}", [f"GET /jobs/{job_id(9)}"]),
        ("POST", "/job-index/nodes/a/give-up", [f"POST /jobs/{NO_JOB}/cancel"]),
        ("GET", "/nothing", ["GET /jobs"]),
    ],
)  # fmt: skip
async def test_only_tokens_travel(
    replica: Replica, open_orthanc: ScriptedOrthanc, method: str, path: str, asked: list[str]
) -> None:
    await replica.ask(method, f"{path}?{NOISE}", {"Api-Key": "k", "X-HTTP-Method-Override": "DELETE", "Cookie": "a=b"})
    assert [f"{each.method} {each.path}" for each in open_orthanc.asked] == [f"{each}?{ALONG}" for each in asked]
    for each in open_orthanc.asked:
        assert each.headers["api-key"] == "k"
        assert {name.lower() for name in each.headers} <= {"host", "api-key", "content-length", "connection"}


async def test_a_list_that_asks_first_asks_with_them(
    replica: Replica, open_orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.WITHIN", 5.0)
    answer = await replica.get(f"/jobs?{ALONG}", {"Cache-Control": "no-cache"})
    assert answer.json == [job_id(1), job_id(2)]
    assert all(each.path.endswith(f"?{ALONG}") for each in open_orthanc.asked)


async def test_who_has_another_token_is_another_caller(replica: Replica, open_orthanc: ScriptedOrthanc) -> None:
    open_orthanc.tell("/jobs?token=bad", status=403)
    assert (await replica.get("/jobs?token=a%26b%2f&key=2", {})).status == 200
    for _ in range(2):
        assert (await replica.get("/jobs?token=bad", {})).status == 403
    assert open_orthanc.count("GET", "/jobs?token=bad") == 1
    assert (await replica.get("/jobs?token=a%26b%2f&key=2", {})).status == 200


async def test_arguments_that_are_not_named_stay_here(redis_url: str, open_orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url) as replica:
        await replica.report("a", job(1), at=open_orthanc)
        for path in (PATH, f"{PATH}/archive"):
            await replica.get(f"{path}?token=t&_method=DELETE")
    assert open_orthanc.paths() == {PATH, f"{PATH}/archive"}
