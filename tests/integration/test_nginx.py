"""What the project's own nginx.conf sends where and how often, and what it says when nobody answers."""

import asyncio
import os
from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web
from front import Front, answer, fronted, hang, hang_up

from jobindex.cli.doctor.front import front_findings
from jobindex.demo.installed import NotInstalled, nginx_program
from raw import send

JOB = "/jobs/3f8a1c9e-6f3b-4a55-9c0e-0d3b6a2f7c11"


@pytest.fixture(autouse=True)
def _nginx() -> None:
    try:
        nginx_program()
    except NotInstalled as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/orthanc/jobs", "/jobs"),
        ("/orthanc/jobs/", "/jobs/"),
        ("/orthanc//jobs", "/jobs"),
        ("/orthanc/%6aobs", "/jobs"),
        ("/orthanc/studies/../jobs", "/jobs"),
        ("/orthanc/jobs?expand&status=Running,Paused", "/jobs?expand&status=Running,Paused"),
        (f"/orthanc{JOB}", JOB),
        (f"/orthanc//jobs//{JOB[6:]}", JOB),
        (f"/orthanc{JOB}/archive", f"{JOB}/archive"),
        (f"/orthanc{JOB}/a%20b%0d%0ac", f"{JOB}/a%20b%0D%0Ac"),
        ("/orthanc/jobs/a%0d%0ab", "/jobs/a%0D%0Ab"),
        ("/orthanc/job-index", "/job-index"),
        ("/orthanc/job-index/nodes", "/job-index/nodes"),
        ("/orthanc/job-index/events?from=1", "/job-index/events?from=1"),
        (f"/orthanc/job-index{JOB}/wait", f"/job-index{JOB}/wait"),
    ],
)
async def test_jobs_go_to_the_replicas(asked: str, sent: str) -> None:
    async with fronted() as front:
        assert await front.status("GET", asked) == 200
        assert front.replicas.sent == [f"GET {sent}"]
        assert front.orthancs.sent == []


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/orthanc/", "/"),
        ("/orthanc/system", "/system"),
        ("/orthanc/jobsfoo", "/jobsfoo"),
        ("/orthanc/jobs%0a", "/jobs%0A"),
        ("/orthanc/job-indexes", "/job-indexes"),
        ("/orthanc/Jobs", "/Jobs"),
        ("/orthanc/jobs/..%2fsystem", "/system"),
        ("/orthanc/jobs/%2e%2e/system", "/system"),
        ("/orthanc/studies/x/archive?transcode=1", "/studies/x/archive?transcode=1"),
        ("/orthanc/nodes/orthanc-a/report", "/nodes/orthanc-a/report"),
        ("/orthanc/-/healthy", "/-/healthy"),
        ("/orthanc/metrics", "/metrics"),
    ],
)
async def test_all_else_below_orthanc_goes_to_the_orthancs(asked: str, sent: str) -> None:
    async with fronted() as front:
        assert await front.status("GET", asked) == 200
        assert front.orthancs.sent == [f"GET {sent}"]
        assert front.replicas.sent == []


@pytest.mark.parametrize("asked", ["/jobs", "/nodes/orthanc-a/report", "/metrics", "/-/ready", "/job-index/nodes"])
async def test_outside_of_orthanc_is_nothing(asked: str) -> None:
    async with fronted() as front:
        assert await front.status("POST", asked) == 404
        assert front.replicas.sent == []
        assert front.orthancs.sent == []


async def test_the_root_leads_to_the_orthancs() -> None:
    async with fronted() as front, front.ask("GET", "/") as response:
        assert response.status == 302
        assert response.headers["Location"] == "/orthanc/"


async def test_the_answer_and_its_headers_pass_unchanged() -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        challenge = {"WWW-Authenticate": 'Basic realm="Orthanc Secure Area"'}
        return web.Response(status=401, headers=challenge, text=request.headers["Authorization"])

    async with fronted() as front:
        front.replicas.play(refuse)
        front.session.headers["Authorization"] = "Basic ZGVtbzpkZW1v"
        async with front.ask("POST", f"/orthanc{JOB}/cancel") as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == 'Basic realm="Orthanc Secure Area"'
            assert await response.text() == "Basic ZGVtbzpkZW1v"


@pytest.mark.parametrize(
    ("method", "target"),
    [("DELETE", JOB), ("DELETE", f"{JOB}/archive"), ("POST", f"{JOB}/cancel"), ("PUT", JOB)],
)
async def test_a_change_that_was_taken_is_never_sent_again(method: str, target: str) -> None:
    async with fronted() as front:
        front.replicas.play(hang_up)
        assert [await front.status(method, f"/orthanc{target}") for _ in range(4)] == [504] * 4
        assert front.replicas.sent == [f"{method} {target}"] * 4


async def test_failed_changes_do_not_close_the_way_to_the_replicas() -> None:
    async with fronted() as front:
        front.replicas.play(hang_up)
        for _ in range(4):
            await front.status("POST", f"/orthanc{JOB}/cancel")
        front.replicas.play(answer)
        assert await front.status("POST", f"/orthanc{JOB}/cancel") == 200
        assert await front.status("GET", "/orthanc/jobs") == 200


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_change_passes_by_a_dead_replica(method: str) -> None:
    async with fronted(alive=1) as front:
        assert [await front.status(method, f"/orthanc{JOB}") for _ in range(4)] == [200] * 4
        assert front.replicas.sent == [f"{method} {JOB}"] * 4


@pytest.mark.parametrize("target", ["/jobs", JOB, f"{JOB}/archive", "/job-index/nodes", "/job-index/events"])
async def test_a_read_is_tried_on_the_other_replica(target: str) -> None:
    async with fronted() as front:
        front.replicas[0].play = hang_up
        assert [await front.status("GET", f"/orthanc{target}") for _ in range(4)] == [200] * 4


async def test_a_read_leaves_a_silent_replica_after_its_two_seconds() -> None:
    async with fronted() as front:
        front.replicas[0].play = hang
        assert [await front.status("GET", "/orthanc/jobs") for _ in range(6)] == [200] * 6
        assert len(front.replicas[0].sent) == 1


@pytest.mark.parametrize(("method", "target"), [("GET", "/jobs"), ("GET", f"{JOB}/archive")])
async def test_without_any_replica_the_answer_is_an_error_of_orthancs_form(method: str, target: str) -> None:
    async with fronted(alive=0) as front, front.ask(method, f"/orthanc{target}") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "2"
        error = await response.json()
        assert error["HttpStatus"] == 503
        assert error["HttpError"] == "Service Unavailable"
        assert error["Method"] == method


@pytest.mark.parametrize("target", ["/jobs", JOB, f"{JOB}/cancel", "/instances", "/tools/reset", "/system"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_administrator_no_browser_guesses_what_nginx_itself_says(method: str, target: str) -> None:
    """Nobody is there, and then nobody answers what was sent."""
    async with fronted(alive=0) as front, front.ask(method, f"/orthanc{target}") as response:
        assert (response.status >= 500, response.headers.getall("X-Content-Type-Options")) == (True, ["nosniff"])
    async with fronted() as front:
        front.orthancs.play(hang_up)
        front.replicas.play(hang_up)
        async with front.ask(method, f"/orthanc{target}") as response:
            assert (response.status >= 500, response.headers.getall("X-Content-Type-Options")) == (True, ["nosniff"])


async def test_administrator_the_doctor_says_that_nginx_reaches_nobody() -> None:
    async with fronted(alive=0) as front:
        findings = list(map(str, await front_findings(front.session, front.url)))
    assert len(findings) == 2
    assert "nginx reaches no replica: /orthanc/jobs is answered with 503" in findings[0]
    assert "nginx reaches no Orthanc: /orthanc/system is answered with 502" in findings[1]


async def test_an_unclear_outcome_is_said_to_be_unclear() -> None:
    async with fronted() as front:
        front.replicas.play(hang_up)
        async with front.ask("DELETE", f"/orthanc{JOB}") as response:
            error = await response.json()
        assert error["HttpStatus"] == 504
        assert "unknown" in error["Details"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_an_orthanc_is_sent_a_change_once(method: str) -> None:
    async with fronted() as front:
        front.orthancs.play(hang_up)
        assert await front.status(method, "/orthanc/instances", BytesIO(b"DICM")) >= 500
        assert front.orthancs.sent == [f"{method} /instances"]


async def test_an_upload_passes_by_a_dead_orthanc_and_has_no_limit() -> None:
    async with fronted(alive=1) as front:
        for _ in range(2):
            assert await front.status("POST", "/orthanc/instances", BytesIO(bytes(20_000_000))) == 200
        assert front.orthancs[0].received == 40_000_000


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_rights_an_upload_that_pauses_for_longer_than_ten_seconds_goes_on(method: str) -> None:
    """As a modality does that reads from a slow disk; a body that Orthanc reads is not bounded as one of ours is."""

    async def slowly() -> AsyncIterator[bytes]:
        yield b"DICM"
        await asyncio.sleep(11)
        yield bytes(1000)

    async with fronted() as front:
        async with front.session.request(method, f"{front.url}/orthanc/instances", data=slowly()) as response:
            assert response.status == 200
        assert sum(orthanc.received for orthanc in front.orthancs) == 1004


@pytest.mark.parametrize("path", ["/jobs", JOB, "/job-index/nodes", "/system"])
async def test_a_target_in_absolute_form_is_its_path(path: str) -> None:
    async with fronted() as front:
        replies = await send(front.url, f"GET http://x/orthanc{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert replies.statuses == [200]
        assert front.replicas.sent + front.orthancs.sent == [f"GET {path}"]


async def test_an_event_arrives_before_the_stream_ends() -> None:
    seen = asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await seen.wait()
        return response

    async with fronted() as front:
        front.replicas.play(stream)
        async with front.ask("GET", "/orthanc/job-index/events") as response:
            assert await response.content.readany() == b"data: first\n\n"
            seen.set()
            assert await response.read() == b""


async def test_a_truncated_output_does_not_look_whole() -> None:
    async def truncate(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"half a zip")
        return await hang_up(request)

    async with fronted() as front:
        front.replicas.play(truncate)
        async with front.ask("GET", f"/orthanc{JOB}/archive") as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/jobs"),
        ("GET", "//%6aobs?expand"),
        ("GET", JOB),
        ("GET", f"{JOB}/archive"),
        ("POST", f"{JOB}/cancel"),
        ("DELETE", JOB),
        ("GET", "/job-index/nodes"),
        ("GET", "/job-index/events"),
    ],
)
async def test_one_address_may_ask_so_often_and_is_then_told_to_wait(method: str, target: str) -> None:
    async with fronted(rate="1r/m") as front:
        told = [await front.status(method, f"/orthanc{target}") for _ in range(210)]
        assert told[:201] == [200] * 201
        assert set(told) == {200, 429}
        assert len(front.replicas.sent) == told.count(200)
        async with front.ask(method, f"/orthanc{target}") as response:
            error = await response.json()
            assert (response.status, response.headers.get("Retry-After")) == (429, "1" if method == "GET" else None)
            assert response.headers.getall("X-Content-Type-Options") == ["nosniff"]
        assert (error["HttpStatus"], error["Method"]) == (429, method)


async def test_how_often_an_orthanc_is_asked_is_not_limited() -> None:
    async with fronted(rate="1r/m") as front:
        assert {await front.status("GET", "/orthanc/system") for _ in range(250)} == {200}


async def test_one_address_may_have_so_many_outputs_at_once() -> None:
    async with fronted() as front:
        front.replicas.play(hang)
        archive = f"/orthanc{JOB}/archive"
        downloads = [asyncio.create_task(front.status("GET", archive)) for _ in range(64)]
        try:
            await eventually_sent(front, 64)
            assert await front.status("GET", archive) == 429
            front.replicas.play(answer)
            assert await front.status("GET", "/orthanc/jobs") == 200
            assert await front.status("DELETE", archive) == 200
        finally:
            for download in downloads:
                download.cancel()
            await asyncio.gather(*downloads, return_exceptions=True)


async def eventually_sent(front: Front, requests: int) -> None:
    async with asyncio.timeout(30):
        while len(front.replicas.sent) < requests:
            await asyncio.sleep(0.01)


async def test_a_header_that_might_pose_as_another_is_not_passed_on() -> None:
    told: list[web.BaseRequest] = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        told.append(request)
        return web.Response()

    async with fronted() as front:
        front.replicas.play(note)
        posing = {"X_Forwarded_For": "1.2.3.4", "X-Forwarded-For": "1.2.3.4", "Upgrade": "h2c"}
        async with front.session.get(f"{front.url}/orthanc/jobs", headers=posing) as response:
            assert response.status == 200
    headers = told[0].headers
    assert headers.getall("X-Forwarded-For") == ["127.0.0.1"]
    assert "X_Forwarded_For" not in headers
    assert "Upgrade" not in headers


async def test_the_host_passes_as_it_came_so_that_a_replica_knows_its_own_pages() -> None:
    async def say_host(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.headers["Host"])

    async with fronted() as front:
        front.replicas.play(say_host)
        for host in ("pacs.example.org", "pacs.example.org:8443"):
            for method in ("GET", "POST"):
                headers = {"Host": host}
                async with front.session.request(method, f"{front.url}/orthanc{JOB}", headers=headers) as response:
                    assert await response.text() == host
