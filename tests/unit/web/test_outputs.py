"""An output comes from its owner byte for byte, and what breaks off never looks whole."""

import os

import aiohttp
import pytest
from yarl import URL

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, CHALLENGE, LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica

PATH = f"/jobs/{job_id(1)}/archive"
HEADERS = {
    "Content-Type": "application/zip",
    "Content-Disposition": 'filename="archive.zip"',
    "Set-Cookie": "session=1",
    "Server": "secret",
    "Access-Control-Allow-Origin": "*",
}


@pytest.fixture
async def owned(replica: Replica) -> Replica:
    """Job 1 has ended on node a."""
    await replica.report("a", job(1, "Success"))
    return replica


async def test_an_output_is_what_the_owner_sends(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    body = os.urandom(3_000_000)
    orthanc.tell(PATH, body, headers=HEADERS)
    answer = await owned.get(PATH)
    assert (answer.status, answer.body == body) == (200, True)
    assert answer.headers["Content-Length"] == str(len(body))
    assert (orthanc.count("GET", PATH), orthanc.asked[-1].headers["Authorization"]) == (1, AUTHORIZATION)


async def test_only_the_headers_that_clients_need_are_passed(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, b"zip", headers=HEADERS)
    headers = (await owned.get(PATH)).headers
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == 'filename="archive.zip"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert headers.get("Server") != "secret"


@pytest.mark.parametrize("length", [{"Content-Length": "1000000"}, {}])
@pytest.mark.parametrize("cut", [0, 1, 300_000])
async def test_an_output_that_breaks_off_is_never_taken_for_whole(
    owned: Replica, orthanc: ScriptedOrthanc, length: dict[str, str], cut: int
) -> None:
    orthanc.tell(PATH, b"z" * 1_000_000, headers=HEADERS | length, cut=cut)
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await owned.get(PATH)


async def test_who_stops_reading_ends_the_owner_s_sending(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, endless=True, headers=HEADERS)
    async with owned.session.get(URL(owned.public + PATH), headers=LOGIN) as response:
        assert await response.content.readexactly(1_000_000)
        response.close()
    await until(orthanc.left.is_set)


async def test_a_download_holds_up_nobody_else(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, endless=True, headers=HEADERS)
    async with owned.session.get(URL(owned.public + PATH), headers=LOGIN) as response:
        assert await response.content.readexactly(100_000)
        assert (await owned.get("/jobs")).status == 200


@pytest.mark.parametrize("status", [404, 500])
async def test_the_owner_s_error_is_passed_on(owned: Replica, orthanc: ScriptedOrthanc, status: int) -> None:
    orthanc.tell(PATH, b'{"OrthancStatus" : 7}', status=status, headers={"Content-Type": "text/plain"})
    answer = await owned.get(PATH)
    assert (answer.status, answer.body) == (status, b'{"OrthancStatus" : 7}')
    assert answer.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("status", [401, 403])
async def test_whom_the_owner_refuses_is_refused_and_asked_anew_for_the_list(
    owned: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, status: int
) -> None:
    """The caller's right to list may have been revoked as well: a yes from before counts no more."""
    assert (await owned.get("/jobs")).status == 200
    orthanc.tell(PATH, b"why", status=status, headers=CHALLENGE)
    answer = await owned.get(PATH)
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["WWW-Authenticate"] == CHALLENGE["WWW-Authenticate"]
    for at in (orthanc, other):
        at.tell("/jobs", status=403)
    assert (await owned.get("/jobs")).status == 403


async def test_an_empty_error_stays_empty(owned: Replica) -> None:
    answer = await owned.get(PATH)
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("path", [f"/jobs/{job_id(9)}/archive", "/jobs/not-an-id/archive", f"/jobs/{job_id(1)}/a%20b"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_output_that_nobody_can_have_is_orthanc_s_404(owned: Replica, path: str, method: str) -> None:
    answer = await owned.ask(method, path)
    assert (answer.status, answer.json["OrthancStatus"]) == (404, 7)
    assert answer.json["Details"].startswith("Job has no such output: a")


async def test_an_owner_that_can_not_be_asked_is_503(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    await owned.report("a", Goodbye=True)
    await owned.get("/jobs")
    answer = await owned.get(PATH)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert orthanc.count("GET", PATH) == 0


async def test_an_owner_that_does_not_begin_is_504(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, drops=True)
    answer = await owned.get(PATH)
    assert (answer.status, "OutcomeUnknown" in answer.json) == (504, False)


async def test_an_output_is_deleted_at_the_owner_and_the_job_read_again(
    owned: Replica, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(PATH, method="DELETE", headers={"Content-Type": "text/plain"})
    answer = await owned.ask("DELETE", PATH)
    assert (answer.status, answer.body) == (200, b"")
    assert [(each.method, each.path) for each in orthanc.asked[-2:]] == [
        ("DELETE", PATH),
        ("GET", f"/jobs/{job_id(1)}"),
    ]
