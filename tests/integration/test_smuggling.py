"""What nginx makes of bytes that two servers might cut into requests at different places: nothing, or one request."""

import os

import pytest
from front import Front, fronted

from jobindex.demo.installed import NotInstalled, nginx_program
from raw import TWO_WAYS, Replies, send

JOB = "/jobs/3f8a1c9e-6f3b-4a55-9c0e-0d3b6a2f7c11"


@pytest.fixture(autouse=True)
def _nginx() -> None:
    try:
        nginx_program()
    except NotInstalled as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))


async def sent(front: Front, data: str, within: float = 5.0) -> tuple[Replies, list[str]]:
    """What came back, and what arrived at the Orthancs and the replicas."""
    replies = await send(front.url, data, within)
    return replies, front.replicas.sent + front.orthancs.sent


@pytest.mark.parametrize("rest", TWO_WAYS.values(), ids=TWO_WAYS)
async def test_what_could_be_two_requests_is_none(rest: str) -> None:
    async with fronted() as front:
        for line in (
            "GET /orthanc/jobs",
            f"POST /orthanc{JOB}/cancel",
            "GET /orthanc/system",
            "POST /orthanc/tools/find",
        ):
            replies, arrived = await sent(front, f"{line} HTTP/1.1\r\nHost: x\r\n{rest}")
            assert replies.statuses[0] in (400, 501)
            assert replies.closed
            assert not any("smuggled" in each for each in arrived)


async def test_two_requests_are_two_where_they_are_sent_as_two() -> None:
    """Or the test above could not fail."""
    async with fronted() as front:
        two = "GET /orthanc/jobs HTTP/1.1\r\nHost: x\r\n\r\nGET /orthanc/jobs/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        replies, arrived = await sent(front, two, 1)
        assert replies.statuses == [200, 200]
        assert arrived == ["GET /jobs", "GET /jobs/smuggled"]


async def test_a_length_ends_a_body_whatever_stands_in_it() -> None:
    async with fronted() as front:
        body = "GET /jobs/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        head = (
            f"POST /orthanc{JOB}/cancel HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        replies, arrived = await sent(front, head + body)
        assert (replies.statuses, arrived) == ([200], [f"POST {JOB}/cancel"])


@pytest.mark.parametrize(
    ("data", "arrives"),
    [
        ("GET /orthanc/jobs HTTP/1.1\nHost: x\nConnection: close\n\n", "GET /jobs"),
        ("GET http://evil.example/orthanc/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /jobs"),
        (
            "GET /orthanc/jobs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
            "GET /jobs",
        ),
        (
            f"GET /orthanc/job-index{JOB}/wait HTTP/1.1\r\nHost: x\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            f"GET /job-index{JOB}/wait",
        ),
    ],
    ids=["bare line feeds", "an absolute target", "an upgrade to HTTP/2", "an upgrade to a socket"],
)
async def test_what_means_one_request_is_one(data: str, arrives: str) -> None:
    async with fronted() as front:
        replies, arrived = await sent(front, data, 1)
        assert (replies.statuses, arrived) == ([200], [arrives])


@pytest.mark.parametrize(
    "data",
    [
        "GET evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "TRACE /orthanc/jobs HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /orthanc/jobs HTTP/1.1\r\n\r\n",
        "GET /orthanc/jobs HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /orthanc/jobs\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /orthanc/jobs/{'a' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /orthanc/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: {'a' * 100_000}\r\n\r\n",
        "GET /orthanc/jobs HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{n}: {'a' * 64}\r\n" for n in range(1000)) + "\r\n",
    ],
    ids=[
        "a place",
        "CONNECT",
        "TRACE",
        "no host",
        "two hosts",
        "a NUL",
        "a long line",
        "a large header",
        "many headers",
    ],
)
async def test_what_nobody_needs_is_refused_before_anybody_is_asked(data: str) -> None:
    async with fronted() as front:
        replies, arrived = await sent(front, data)
        assert replies.statuses[0] in (400, 405, 414)
        assert replies.closed
        assert arrived == []
