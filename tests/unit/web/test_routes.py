"""Paths mean what they mean to Orthanc; nothing but jobs is ever asked of one, and the gate comes first."""

import re

import pytest

from jobindex.service.rights import NO_JOB

from ...builders import job_id
from ..scripted_orthanc import CHALLENGE, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica

JOB = job_id(0xABC)
JOB_PATH = re.compile(r"/jobs(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[A-Za-z0-9_-]{1,64})?)?")
HOSTILE = [
    "..",
    "../system",
    "..%2fsystem",
    "%2e%2e/system",
    "%2e%2e%2fsystem",
    "%252e%252e%252fsystem",
    "..;/system",
    "..\\system",
    "..%5csystem",
    ".",
    "%00",
    "%0d%0aX-Injected:%201",
    "%ff%fe",
    "%C3%A9" * 36,
    JOB.upper(),
    "-" * 36,
    JOB.replace("-", "0"),
    JOB + "%00",
    JOB + "%0a",
    JOB + "%2farchive",
    JOB + "%3fexpand",
    JOB + "/..",
    JOB + "/../../system",
    JOB + "/..%2f..%2fsystem",
    JOB + "/%2e%2e%2f%2e%2e%2ftools%2freset",
    JOB + "/archive%2f..%2f..%2fsystem",
    JOB + "/archive%00",
    JOB + "/a%20b",
    JOB + "/" + "x" * 65,
    JOB + ";/../system",
    "x" * 7000,
]


@pytest.mark.parametrize("path", ["/jobs", "/jobs/", "//jobs", "//jobs//", "/jobs?x=1", "/%6aobs"])
async def test_empty_parts_of_a_path_do_not_count(replica: Replica, path: str) -> None:
    assert (await replica.get(path)).json == []


@pytest.mark.parametrize("path", [f"/jobs/{JOB}", f"/jobs/{JOB}/", f"//jobs//{JOB}", f"/jobs/{JOB}?expand"])
async def test_a_job_is_found_however_its_path_is_written(
    replica: Replica, orthanc: ScriptedOrthanc, path: str
) -> None:
    await replica.report("a", job(0xABC))
    orthanc.tell_job(JOB, job(0xABC))
    assert (await replica.get(path)).json["ID"] == JOB
    assert orthanc.paths() == {f"/jobs/{JOB}"}


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_nothing_but_a_job_is_ever_asked_for(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, hostile: str
) -> None:
    await replica.report("a", job(0xABC))
    for method in ("GET", "DELETE", "POST", "PUT"):
        answer = await replica.ask(method, f"/jobs/{hostile}")
        assert answer.status in (400, 404, 405)
        assert (await replica.ask(method, f"/jobs/{hostile}/cancel")).status in (400, 404, 405)
    asked = orthanc.paths() | other.paths()
    assert all(JOB_PATH.fullmatch(path) for path in asked)
    assert not any("Injected" in name for each in orthanc.asked for name in each.headers)


def spelled(text: str) -> str:
    """The same to whoever decodes it."""
    return text[:-1] + f"%{ord(text[-1]):x}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/jobs/{spelled(JOB)}", 404),
        ("DELETE", f"/jobs/{spelled(JOB)}", 404),
        ("POST", f"/jobs/{spelled(JOB)}/cancel", 400),
        ("GET", f"/jobs/{spelled(JOB)}/archive", 404),
        ("GET", f"/jobs/{JOB}/{spelled('archive')}", 404),
        ("DELETE", f"/jobs/{JOB}/{spelled('archive')}", 404),
        ("GET", f"/jobs/{JOB.replace('-', '%2d')}", 404),
        ("GET", f"/jobs/%{ord(JOB[0]):x}{JOB[1:]}", 404),
        ("POST", f"/job-index/nodes/{spelled('a')}/give-up", 404),
    ],
)
async def test_another_spelling_of_an_id_is_no_id(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, method: str, path: str, status: int
) -> None:
    await replica.report("a", job(0xABC, "Success"))
    assert (await replica.ask(method, path)).status == status
    assert not any(JOB in each or "%" in each for each in orthanc.paths() | other.paths())
    assert (await replica.ask(method, path, {})).status == 401


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/jobs", "GET"),
        ("PUT", "/jobs", "GET"),
        ("DELETE", "/jobs", "GET"),
        ("PUT", f"/jobs/{JOB}", "GET,DELETE"),
        ("POST", f"/jobs/{JOB}", "GET,DELETE"),
        ("POST", f"/jobs/{JOB}/foo", "GET,DELETE"),
        ("PUT", f"/jobs/{JOB}/cancel", "GET,POST,DELETE"),
        ("POST", "/job-index/nodes", "GET"),
        ("GET", "/job-index/nodes/a/give-up", "POST"),
    ],
)
async def test_a_method_that_is_not_there_is_405_and_names_those_that_are(
    replica: Replica, method: str, path: str, allow: str
) -> None:
    answer = await replica.ask(method, path)
    assert (answer.status, answer.headers["Allow"], answer.body) == (405, allow, b"")


@pytest.mark.parametrize("path", ["/jobs", f"/jobs/{JOB}", "/nothing"])
async def test_head_is_404_as_at_orthanc(replica: Replica, path: str) -> None:
    answer = await replica.ask("HEAD", path)
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    "path", ["/", "/system", f"/jobs/{JOB}/archive/y", "/job-index", "/nodes/a/report", "/metrics", "/-/ready"]
)
async def test_what_is_not_there_is_said_as_orthanc_says_it(
    replica: Replica, orthanc: ScriptedOrthanc, path: str
) -> None:
    answer = await replica.get(path)
    assert answer.status == 404
    assert (answer.json["OrthancStatus"], answer.json["Uri"]) == (17, path)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert orthanc.paths() <= {"/jobs"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs"),
        ("GET", "/jobs?expand"),
        ("GET", "/jobs?status=nonsense"),
        ("HEAD", "/jobs"),
        ("PUT", "/jobs"),
        ("GET", f"/jobs/{JOB}"),
        ("GET", "/jobs/not-an-id"),
        ("DELETE", f"/jobs/{JOB}"),
        ("DELETE", "/jobs/not-an-id"),
        ("POST", f"/jobs/{JOB}/cancel"),
        ("POST", "/jobs/not-an-id/cancel"),
        ("GET", f"/jobs/{JOB}/archive"),
        ("GET", "/jobs/not-an-id/archive"),
        ("DELETE", f"/jobs/{JOB}/archive"),
        ("GET", f"/jobs/{job_id(9)}"),
        ("GET", f"/jobs/{job_id(9)}/archive"),
        ("POST", f"/jobs/{job_id(9)}/pause"),
        ("GET", "/job-index/nodes"),
        ("POST", "/job-index/nodes/a/give-up"),
        ("POST", "/job-index/nodes/nobody/give-up"),
        ("GET", "/job-index"),
        ("GET", "/job-index/nodes/a"),
        ("POST", "/job-index/nothing"),
        ("DELETE", "/job-index/nodes"),
        ("GET", "/nothing"),
        ("PATCH", "/"),
    ],
)
async def test_without_credentials_every_door_is_closed(replica: Replica, method: str, path: str) -> None:
    await replica.report("a", job(0xABC, "Success"))
    answer = await replica.ask(method, path, {})
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == CHALLENGE["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs"),
        ("GET", "/job-index/nodes"),
        ("POST", "/job-index/nodes/a/give-up"),
        ("POST", "/job-index/nothing"),
        ("GET", "/nothing"),
    ],
)
async def test_whom_orthanc_forbids_the_list_learns_nothing_else_either(
    alone: Replica, orthanc: ScriptedOrthanc, method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And Orthanc is asked once, however often it is tried."""
    monkeypatch.setattr("jobindex.auth.verdicts.NO_LASTS", 60.0)
    for asked in ("GET", "/jobs"), ("POST", f"/jobs/{NO_JOB}/cancel"):
        orthanc.tell(asked[1], method=asked[0], status=403)
    await alone.report("a", at=orthanc)

    async def is_forbidden() -> bool:
        answer = await alone.ask(method, path)
        return (answer.status, answer.body, answer.headers.get("WWW-Authenticate")) == (403, b"", None)

    await until(is_forbidden)
    assert await is_forbidden()
    assert len(orthanc.asked) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/jobs"), ("GET", f"/jobs/{JOB}"), ("GET", "/nothing"), ("POST", f"/jobs/{JOB}/cancel"), ("PUT", "/jobs")],
)
async def test_with_nobody_to_ask_every_door_is_closed(alone: Replica, method: str, path: str) -> None:
    answer = await alone.ask(method, path)
    assert (answer.status, "Retry-After" in answer.headers) == ((503, True) if method == "GET" else (500, False))


@pytest.mark.parametrize("path", ["/jobs", f"/jobs/{JOB}", "/job-index/nodes", "/orthanc/started", "/"])
async def test_the_internal_listener_has_no_doors_for_clients(replica: Replica, path: str) -> None:
    for method in ("GET", "POST"):
        assert (await replica.ask_inside(method, path)).status == 404
