"""Bytes on the wire: what is no request, what is too much of one, and what every answer says."""

import asyncio

import pytest

from raw import SMUGGLED, TWO_WAYS, send

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, LOGIN, ScriptedOrthanc
from ..words import job
from .replica import Replica

JOB = f"/jobs/{job_id(1)}"
HEAD = f"Host: x\r\nAuthorization: {AUTHORIZATION}\r\n"
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "Orthanc-Job-Index",
}


@pytest.fixture
async def owned(replica: Replica) -> Replica:
    """Job 1 has ended on node a."""
    await replica.report("a", job(1, "Success"))
    await replica.get("/jobs")
    return replica


def said(headers: object) -> dict[str, object]:
    return {name: headers.getall(name) for name in ALWAYS}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jobs", 200),
        ("GET", "/jobs?expand", 200),
        ("GET", "/jobs?status=x", 400),
        ("GET", JOB, 200),
        ("GET", f"{JOB}/archive", 200),
        ("GET", f"{JOB}/nothing", 404),
        ("POST", f"{JOB}/cancel", 200),
        ("DELETE", JOB, 200),
        ("GET", f"/jobs/{job_id(9)}", 404),
        ("GET", "/job-index/nodes", 200),
        ("PUT", "/jobs", 405),
        ("HEAD", "/jobs", 404),
        ("GET", "/nothing", 404),
    ],
)
async def test_every_answer_forbids_copies_and_scripts(
    owned: Replica, orthanc: ScriptedOrthanc, method: str, path: str, status: int
) -> None:
    hostile = {"Content-Type": "text/html", "Cache-Control": "public", "Content-Security-Policy": "script-src *"}
    orthanc.tell(f"{JOB}/archive", b"zip", headers={**hostile, "Content-Type": "application/zip"})
    orthanc.tell(f"{JOB}/cancel", b"{}", method="POST", headers={**hostile, "Content-Type": "application/json"})
    orthanc.tell(JOB, method="DELETE")
    answer = await owned.ask(method, path)
    assert answer.status == status
    assert said(answer.headers) == {name: [value] for name, value in ALWAYS.items()}
    assert said((await owned.ask(method, path, {})).headers) == {name: [value] for name, value in ALWAYS.items()}


async def test_304_and_the_internal_listener_say_it_too(owned: Replica) -> None:
    tag = (await owned.get("/jobs")).headers["ETag"]
    kept = await owned.get("/jobs", {**LOGIN, "If-None-Match": tag})
    assert kept.status == 304
    for answer in (kept, await owned.ask_inside("GET", "/metrics"), await owned.report("a")):
        assert said(answer.headers) == {name: [value] for name, value in ALWAYS.items()}


@pytest.mark.parametrize("rest", TWO_WAYS.values(), ids=TWO_WAYS)
async def test_what_could_be_two_requests_is_none(
    owned: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, rest: str
) -> None:
    orthanc.asked.clear()
    replies = await send(owned.public, f"GET /jobs HTTP/1.1\r\n{HEAD}{rest}")
    if rest.startswith("Transfer-Encoding: chunked\r\n\r\nx"):
        assert 400 in replies.statuses  # its head was right, and is answered first
    else:
        assert replies.statuses == [400]
    assert replies.closed
    assert "smuggled" not in replies.text
    assert orthanc.paths() | other.paths() <= {"/jobs"}


async def test_a_bare_line_feed_ends_a_line_or_the_connection(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    replies = await send(owned.public, f"GET /jobs HTTP/1.1\nHost: x\nAuthorization: {AUTHORIZATION}\n\n", 2)
    assert replies.statuses in ([200], [400])
    assert orthanc.paths() <= {"/jobs", JOB}


async def test_nobody_is_upgraded(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    upgrade = "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    replies = await send(owned.public, f"GET {JOB} HTTP/1.1\r\n{HEAD}{upgrade}")
    assert replies.statuses == [200]
    assert not any("Upgrade" in each.headers for each in orthanc.asked)


@pytest.mark.parametrize("target", ["//evil.example/jobs", "*", "x:443", "ftp:/jobs", "http:jobs", "http:///jobs"])
async def test_a_target_that_is_no_path_leads_nowhere(
    owned: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, target: str
) -> None:
    replies = await send(owned.public, f"GET {target} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
    assert replies.statuses in ([400], [404])
    assert orthanc.paths() | other.paths() <= {"/jobs"}


@pytest.mark.parametrize("host", ["http://x", "HTTPS://x:8000", "http://[::1]:8000"])
@pytest.mark.parametrize(
    ("path", "status"), [("/jobs", 200), (JOB, 200), ("/jobs?status=x", 400), ("/nothing", 404), ("", 404)]
)
async def test_rights_a_target_in_absolute_form_is_its_path(
    owned: Replica, orthanc: ScriptedOrthanc, host: str, path: str, status: int
) -> None:
    replies = await send(owned.public, f"GET {host}{path} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
    assert replies.statuses == [status]
    plain = await send(owned.public, f"GET {path or '/'} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n")
    assert replies.text.partition("\r\n\r\n")[2] == plain.text.partition("\r\n\r\n")[2]


async def test_rights_a_change_in_absolute_form_needs_no_less_than_one_by_its_path(
    owned: Replica, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(f"{JOB}/cancel", b"{}", method="POST")
    length = "Content-Length: 0\r\nConnection: close\r\n"
    for head, status in ((HEAD, 200), ("Host: x\r\n", 401), (f"{HEAD}Origin: http://evil.example\r\n", 403)):
        replies = await send(owned.public, f"POST http://evil.example{JOB}/cancel HTTP/1.1\r\n{head}{length}\r\n")
        assert replies.statuses == [status]


@pytest.mark.parametrize(
    "headers",
    [
        f"Authorization: {'x' * 100_000}\r\n",
        "".join(f"X-{number}: 1\r\n" for number in range(1000)),
        f"{'X' * 10_000}: 1\r\n",
    ],
    ids=["100 kB", "1,000", "a long name"],
)
async def test_a_head_that_is_too_large_is_refused(owned: Replica, orthanc: ScriptedOrthanc, headers: str) -> None:
    orthanc.asked.clear()
    replies = await send(owned.public, f"GET {JOB} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
    assert replies.statuses in ([400], [431])
    assert replies.closed
    assert orthanc.asked == []


async def test_what_can_not_be_read_is_repeated_neither_in_the_answer_nor_in_a_log(
    owned: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    canary = "GET /jobs HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nAuthorization : <script>canary</script>\r\n\r\n"
    replies = await send(owned.public, canary)
    assert replies.statuses == [400]
    assert "text/plain" in replies.text
    assert '"HttpStatus" : 400' in replies.text
    assert all(f"{name}: {value}" in replies.text for name, value in ALWAYS.items())
    assert "canary" not in replies.text
    assert "canary" not in caplog.text
    assert "is no request" in caplog.text


async def test_a_path_is_repeated_as_text_only(owned: Replica) -> None:
    answer = await owned.get("/jobs/<img%20src=x%20onerror=alert(1)>/archive", {**LOGIN, "Accept": "text/html"})
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/plain")
    assert answer.json["Uri"].startswith("/jobs/<img")


async def test_who_sends_slowly_is_not_waited_for(owned: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that never ends, and silence after an answer; others are answered meanwhile."""
    monkeypatch.setattr("jobindex.web.connection.HEAD_WITHIN", 1.0)
    port = owned.public.rpartition(":")[2]
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
    for _, writer in silent[:25]:
        writer.write(b"GET /jobs HTTP/1.1\r\nX-Slow: ")
    for _, writer in silent[25:]:
        writer.write(f"GET /jobs HTTP/1.1\r\n{HEAD}\r\n".encode())
    assert (await owned.get("/jobs")).status == 200
    async with asyncio.timeout(30):
        ends = [await reader.read() for reader, _ in silent]
    assert [end.startswith(b"HTTP/1.1 200") for end in ends] == [False] * 25 + [True] * 25
    for _, writer in silent:
        writer.transport.abort()


async def test_a_body_that_does_not_come_is_not_waited_for(owned: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.web.connection.BODY_WITHIN", 0.2)
    replies = await send(owned.internal, "POST /nodes/a/report HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", 10)
    assert replies.statuses == [408]
    assert replies.closed


async def test_a_body_that_never_ends_is_too_large(owned: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.web.connection.LARGEST", 100_000)
    head = "POST /nodes/a/report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await send(owned.internal, head + "ffff\r\n" + "x" * 0xFFFF + "\r\nffff\r\n" + "x" * 0xFFFF)).statuses == [
        413
    ]
    assert await pour(owned.internal, head) == 413


async def test_an_action_s_body_fills_no_memory_and_reaches_nobody(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    """The answer comes, and so does the end of the connection, though the body would go on."""
    orthanc.tell(f"{JOB}/cancel", b"{}", method="POST")
    head = f"POST {JOB}/cancel HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n"
    assert await pour(owned.public, head) == 200
    sent = next(each for each in orthanc.asked if each.method == "POST")
    assert sent.headers.get("Content-Length", "0") == "0"
    assert "Transfer-Encoding" not in sent.headers


async def pour(url: str, head: str) -> int:
    """Send a body until the other side has enough of it, which it must before long: its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", url.rpartition(":")[2])
    writer.write(head.encode())
    status = asyncio.create_task(reader.readline())
    try:
        async with asyncio.timeout(20):
            while not reader.at_eof():
                writer.write(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.001)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return int((await status).split()[1])


async def test_packed_bodies_are_not_unpacked(owned: Replica) -> None:
    """A report's signature is one of the bytes that came."""
    head = "POST /nodes/a/report HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n"
    assert (await send(owned.internal, f"{head}Connection: close\r\n\r\nxxxx")).statuses == [401]


async def test_smuggled_is_a_request_where_it_is_sent_as_one(owned: Replica) -> None:
    """The counterpart of all that, or the tests above could not fail."""
    replies = await send(owned.public, f"GET /jobs HTTP/1.1\r\n{HEAD}\r\n{SMUGGLED}", 2)
    assert replies.statuses == [200, 401]
