"""nginx tells replicas of each request that may create a job, beside it and behind its answer: nothing waits."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from front import Front, answer, fronted, hang, hang_up

ARCHIVE = "/orthanc/studies/x/archive"
NOTICE = re.compile(r"POST /job-index/submissions/([0-9a-f]{32})/(began|ended)(?:/([0-9]{3}))?")


def notices(front: Front) -> list[str]:
    """What was told, without the names; all of one request have one name."""
    found = [NOTICE.fullmatch(each) for each in front.replicas.sent]
    assert all(found)
    return [each.group(2) for each in found if each]


def names(front: Front) -> set[str]:
    return {each.group(1) for each in map(NOTICE.fullmatch, front.replicas.sent) if each}


async def told(front: Front, count: int) -> list[str]:
    async with asyncio.timeout(10):
        while len(front.replicas.sent) < count:
            await asyncio.sleep(0.01)
    return sorted(notices(front))


@pytest.mark.parametrize(
    "path",
    [
        "/studies/x/archive",
        "/series/x/anonymize",
        "/tools/create-archive",
        "/tools/bulk-modify",
        "/modalities/x/store",
        "/modalities/x/move",
        "/queries/x/answers/0/retrieve",
        "/peers/x/store",
        "/dicom-web/servers/x/stow",
        "/transfers/send",
        "/a-plugin/of/their/own",
        "//studies/./x/%61rchive",
    ],
)
async def test_read_your_writes_a_request_that_may_create_a_job_is_told_of(path: str) -> None:
    async with fronted() as front:
        assert await front.status("POST", f"/orthanc{path}") == 200
        assert await told(front, 3) == ["began", "began", "ended"]
        assert len(names(front)) == 1
        assert all(each.sent for each in front.replicas)
        assert len(front.orthancs.sent) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/instances"),
        ("POST", "/instances/"),
        ("POST", "/instances/x/anonymize"),
        ("POST", "/tools/find"),
        ("POST", "/tools/count-resources"),
        ("POST", "/modalities/x/echo"),
        ("POST", "/dicom-web/studies"),
        ("POST", "/dicom-web/studies/1.2.3"),
        ("POST", "/series/x/reconstruct"),
        ("GET", "/studies/x/archive"),
        ("PUT", "/modalities/x"),
        ("DELETE", "/studies/x"),
    ],
)
async def test_what_never_creates_a_job_is_told_to_nobody(method: str, path: str) -> None:
    async with fronted() as front:
        assert [await front.status(method, f"/orthanc{path}") for _ in range(2)] == [200, 200]
        assert front.replicas.sent == []
        assert len(front.orthancs.sent) == 2


async def test_the_request_and_its_answer_are_what_they_were() -> None:
    async def say(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=400, text=request.headers["Authorization"], headers={"X-Its": "own"})

    async with fronted() as front:
        front.orthancs.play(say)
        front.session.headers["Authorization"] = "Basic ZGVtbzpkZW1v"
        url = f"{front.url}/orthanc/studies/x/archive?a=b%20c"
        async with front.session.post(url, data=b"{}") as response:
            assert (response.status, await response.text()) == (400, "Basic ZGVtbzpkZW1v")
            assert response.headers["X-Its"] == "own"
        await told(front, 3)
        assert front.orthancs.sent == ["POST /studies/x/archive?a=b%20c"]
        assert sum(each.received for each in front.orthancs) == 2


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500])
async def test_bounds_an_end_is_told_with_the_status_of_its_answer(status: int) -> None:
    async def say(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status)

    async with fronted() as front:
        front.orthancs.play(say)
        assert await front.status("POST", ARCHIVE) == status
        await told(front, 3)
        assert [found[3] for found in map(NOTICE.fullmatch, front.replicas.sent) if found and found[3]] == [str(status)]


async def test_nothing_of_the_request_is_told() -> None:
    seen: list[web.BaseRequest] = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        return web.Response(status=204)

    async with fronted() as front:
        front.replicas.play(note)
        front.session.headers["Authorization"] = "Basic ZGVtbzpkZW1v"
        front.session.headers["X-Forwarded-For"] = "10.1.1.1"
        async with front.session.post(f"{front.url}{ARCHIVE}?token=secret", data=b"{}") as response:
            assert response.status == 200
        await told(front, 3)
        assert {name for each in seen for name in each.headers} <= {"Host"}
        assert sum(each.received for each in front.replicas) == 0


async def test_a_large_body_streams_and_is_told_of_as_it_begins() -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield bytes(1_000_000)
        await go_on.wait()
        yield bytes(1_000_000)

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    async with fronted() as front:
        front.orthancs.play(take)
        sending = asyncio.create_task(front.session.post(f"{front.url}{ARCHIVE}", data=body()))
        async with asyncio.timeout(10):
            while sum(each.received for each in front.orthancs) < 1_000_000:
                await asyncio.sleep(0.01)
        reached.set()
        assert await told(front, 2) == ["began", "began"]
        go_on.set()
        async with await sending as response:
            assert response.status == 200
        assert await told(front, 3) == ["began", "began", "ended"]
        assert sum(each.received for each in front.orthancs) == 2_000_000


@pytest.mark.parametrize("play", [hang, hang_up])
async def test_sick_replicas_hold_no_answer_up(play: object) -> None:
    async with fronted() as front:
        front.replicas.play(play)  # type: ignore[arg-type]  # what a server does
        began = asyncio.get_running_loop().time()
        assert await front.status("POST", ARCHIVE) == 200
        assert asyncio.get_running_loop().time() - began < 0.25
        front.replicas.play(answer)
        assert await front.status("GET", "/orthanc/jobs") == 200


async def test_without_any_replica_orthancs_are_reached() -> None:
    async with fronted() as front:
        front.replicas.play(hang_up)
        assert [await front.status("POST", ARCHIVE) for _ in range(5)] == [200] * 5


async def test_an_end_is_told_although_the_client_or_the_orthanc_has_left() -> None:
    async with fronted() as front:
        front.orthancs.play(hang)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await front.status("POST", ARCHIVE)
        assert await told(front, 3) == ["began", "began", "ended"]
        front.orthancs.play(hang_up)
        assert await front.status("POST", ARCHIVE) == 504
        assert await told(front, 6) == ["began"] * 4 + ["ended"] * 2
        assert len(front.orthancs.sent) == 2


@pytest.mark.parametrize(
    "path",
    [
        f"/job-index/submissions/{'a' * 32}/began",
        f"/job-index//submissions/{'a' * 32}/ended",
        f"/job-index/submissions%2f{'a' * 32}/began",
        f"/job-index/%73ubmissions/{'a' * 32}/began",
        f"/x/../job-index/submissions/{'a' * 32}/began",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_client_can_tell_nothing(method: str, path: str) -> None:
    async with fronted() as front:
        assert await front.status(method, f"/orthanc{path}") == 404
        assert await front.status(method, "/.submission-began") == 404
        assert (front.replicas.sent, front.orthancs.sent) == ([], [])


async def test_the_log_has_the_status_that_the_client_got() -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403)

    async with fronted() as front:
        for play in (answer, refuse, hang_up):
            front.orthancs.play(play)
            await front.status("POST", ARCHIVE)
        front.orthancs.play(hang)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await front.status("POST", ARCHIVE)
        front.orthancs.play(answer)
        front.replicas.play(hang)
        await front.status("POST", ARCHIVE)
        async with asyncio.timeout(10):
            while len(front.log.read_text().splitlines()) < 5:
                await asyncio.sleep(0.01)
        lines = front.log.read_text().splitlines()
    assert [line.split('"')[2].split()[0] for line in lines] == ["200", "403", "504", "499", "200"]
    assert all('"POST /orthanc/studies/x/archive"' in line for line in lines)
