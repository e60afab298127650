"""The same bytes again get what a new request would get, and nothing else is taken for them."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobindex import metrics

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, Reply, replica_on

HEAD = f"Host: x\r\nAuthorization: {AUTHORIZATION}\r\n"
OF_EACH = {"Date", "X-Request-Id"}


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1\r\n{HEAD.strip()}", *headers, "", "")).encode()


POLL = get("/jobs?expand")


@dataclass
class Line:
    """A connection, and what is sent and read on it byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, data: bytes) -> Reply:
        self.writer.write(data)
        return await self.reply()

    async def learn(self, data: bytes) -> Reply:
        """Ask as often as it takes to be known from then on."""
        await self.ask(data)
        return await self.ask(data)

    async def reply(self) -> Reply:
        """The next answer; IncompleteReadError where the connection has ended."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", maxsplit=1) for line in lines)
            body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
        return Reply(int(first.split()[1]), headers, body)


@asynccontextmanager
async def line_to(replica: Replica, source: str = "127.0.0.1") -> AsyncIterator[Line]:
    port = int(replica.public.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


@pytest.fixture
async def line(replica: Replica) -> AsyncIterator[Line]:
    """To a replica that lists job 1 of node a and job 2 of node b."""
    await replica.report("a", job(1, "Running"))
    await replica.report("b", job(2, "Success"))
    async with line_to(replica) as line:
        yield line


async def is_read() -> None:
    """Let the replica, which runs in this loop, read what was sent: on the loopback that is there at once."""
    for _ in range(3):
        await asyncio.sleep(0)


def known() -> float:
    """How many polls were known by their bytes since the process began."""
    return metrics.registry.get_sample_value("jobindex_polls_total") or 0.0


def lasting(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """What the next answer has in common with this one."""
    return reply.status, {name: value for name, value in reply.headers.items() if name not in OF_EACH}, reply.body


@pytest.mark.parametrize(
    "path", ["/jobs", "/jobs?expand", "/jobs?expand&status=Running", "/jobs?limit=1&since=1", "//jobs"]
)
async def test_the_same_again_is_answered_the_same(line: Line, path: str) -> None:
    first, before = await line.learn(get(path)), known()
    again = [await line.ask(get(path)) for _ in range(3)]
    assert first.status == 200
    assert [lasting(each) for each in again] == [lasting(first)] * 3
    assert known() - before == 3


async def test_each_answer_has_a_name_and_a_date_of_its_own(line: Line) -> None:
    replies = [await line.ask(POLL) for _ in range(3)]
    assert len({each.headers["X-Request-Id"] for each in replies}) == 3
    assert all(each.headers["Date"].endswith(" GMT") for each in replies)


async def test_what_the_caller_has_is_not_sent_again(line: Line) -> None:
    tag = (await line.ask(POLL)).headers["ETag"]
    first, before = await line.learn(get("/jobs?expand", f"If-None-Match: {tag}")), known()
    again = await line.ask(get("/jobs?expand", f"If-None-Match: {tag}"))
    assert (again.status, again.body, known() - before) == (304, b"", 1)
    assert lasting(again) == lasting(first)


async def test_whoever_takes_gzip_gets_it_again(line: Line, replica: Replica) -> None:
    """A list so small is not compressed; a larger one is, once."""
    asked = get("/jobs?expand", "Accept-Encoding: gzip")
    assert "Content-Encoding" not in (await line.learn(asked)).headers
    await replica.report("a", job(1, Content={"Description": "x" * 5000}, at=1))
    first, before = await line.learn(asked), known()
    again = await line.ask(asked)
    assert (again.headers["Content-Encoding"], known() - before) == ("gzip", 1)
    assert lasting(again) == lasting(first)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_poll_shows_every_change_that_was_acknowledged(line: Line, replica: Replica, coding: str) -> None:
    asked = get("/jobs", f"Accept-Encoding: {coding}")
    for number in range(3, 60):
        await replica.report("a", job(number))
        answer = await line.ask(asked)
        text = answer.body if "Content-Encoding" not in answer.headers else zlib.decompress(answer.body, 31)
        assert job_id(number) in json.loads(text)


async def test_a_tag_counts_only_until_something_changes(line: Line, replica: Replica) -> None:
    tag = (await line.ask(POLL)).headers["ETag"]
    asked = get("/jobs?expand", f"If-None-Match: {tag}")
    assert [(await line.ask(asked)).status for _ in range(3)] == [304] * 3
    await replica.report("a", job(1, "Success", at=1))
    changed = await line.ask(asked)
    assert (changed.status, changed.headers["ETag"] != tag) == (200, True)
    assert b'"State":"Success"' in changed.body


async def test_whose_right_was_revoked_is_refused(line: Line, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> None:
    assert [(await line.ask(POLL)).status for _ in range(3)] == [200] * 3
    for path in ("/jobs", f"/jobs/{job_id(1)}"):
        orthanc.tell(path, status=403)
        other.tell(path, status=403)
    assert (await line.ask(get(f"/jobs/{job_id(1)}"))).status == 403
    assert (await line.ask(POLL)).status == 403


@pytest.fixture
def quick_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.auth.verdicts.YES_LASTS", 0.1)


async def test_a_yes_lasts_no_longer_because_somebody_polls(
    quick_yes: None, line: Line, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    def asked() -> int:
        return orthanc.count("GET", "/jobs") + other.count("GET", "/jobs")

    before = asked()

    async def asked_thrice() -> bool:
        assert (await line.ask(POLL)).status == 200
        return asked() >= before + 3

    await until(asked_thrice)


@pytest.mark.parametrize("login", ["Basic ZGVtbzp3cm9uZw==", ""])
async def test_other_credentials_are_another_request(line: Line, login: str) -> None:
    assert [(await line.ask(POLL)).status for _ in range(3)] == [200] * 3
    assert (await line.ask(POLL.replace(AUTHORIZATION.encode(), login.encode()))).status == 401


async def test_another_address_is_another_request(line: Line, replica: Replica) -> None:
    """Limits, the audit trail and a trusted proxy's word all go by it."""
    assert [(await line.ask(POLL)).status for _ in range(3)] == [200] * 3
    before = known()
    async with line_to(replica, "127.0.0.9") as elsewhere:
        assert (await elsewhere.learn(POLL)).status == 200
        assert known() == before
        assert (await elsewhere.ask(POLL)).status == 200
    assert known() == before + 1


async def test_a_poll_leaves_a_line_and_is_counted(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    await line.learn(POLL)
    caplog.set_level("INFO")
    answer = await line.ask(POLL)
    number = answer.headers["X-Request-Id"]  # the line of what was learned may come as late as this one
    (told,) = [line for each in caplog.records if (line := each.getMessage()).endswith(number)]
    assert told.startswith("GET /jobs 200 ")
    assert AUTHORIZATION not in caplog.text


async def test_polls_are_in_the_audit_trail(redis_url: str, tmp_path: Path, orthanc: ScriptedOrthanc) -> None:
    """As any reads are: the first at once, those of its minute together, at the latest when the service stops."""
    trail = tmp_path / "trail"
    async with replica_on(redis_url, audit_file=str(trail)) as replica:
        await replica.report("a", at=orthanc)
        await replica.knows_whom_to_ask()
        async with line_to(replica) as line:
            before = known()
            for _ in range(5):
                assert (await line.ask(POLL)).status == 200
            assert known() - before == 3
    found = [json.loads(each) for each in trail.read_text().splitlines()]
    queries = [each for each in found if each["EventID"]["csd-code"] == "110112" and each["Status"] == 200]
    assert sum(each.get("Count", 1) for each in queries if each["ActiveParticipant"][0]["UserID"] == "demo") >= 5


@pytest.mark.parametrize("header", ["Connection: close", "Cache-Control: no-cache"])
async def test_what_asks_for_more_than_the_answer_goes_the_usual_way(line: Line, header: str) -> None:
    before = known()
    for _ in range(3):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            assert (await line.ask(get("/jobs", header))).status == 200
    assert known() == before


async def test_http_1_0_goes_the_usual_way(line: Line, replica: Replica) -> None:
    asked, before = get("/jobs", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0"), known()
    assert [(await line.ask(asked)).headers["Connection"] for _ in range(3)] == ["keep-alive"] * 3
    assert known() == before


async def test_a_poll_is_one_only_where_a_request_begins(line: Line) -> None:
    """In a header's value, in a body and behind half a head, the same bytes are something else."""
    assert [(await line.ask(POLL)).status for _ in range(3)] == [200] * 3
    before = known()
    body = f"POST /jobs/{job_id(9)}/cancel HTTP/1.1\r\n{HEAD}Content-Length: {len(POLL)}\r\n\r\n".encode()
    line.writer.write(body)
    await is_read()
    reply = asyncio.create_task(line.reply())
    line.writer.write(POLL)
    assert (await reply).status in (400, 404)
    assert (await line.ask(get("/nothing"))).status == 404
    line.writer.write(b"GET /nothing HTTP/1.1\r\nX: ")
    await is_read()
    assert (await line.ask(POLL)).status == 404
    assert known() == before


async def test_polls_sent_at_once_are_answered_in_their_order(line: Line) -> None:
    """What asks Redis nothing would be answered first."""
    ids, nothing = get("/jobs"), get("/nothing")
    for each in (POLL, ids):
        assert (await line.learn(each)).status == 200
    line.writer.write(POLL)
    for each in (nothing, ids, POLL, ids):
        await is_read()
        line.writer.write(each)
    replies = [await line.reply() for _ in range(5)]
    assert [each.status for each in replies] == [200, 404, 200, 200, 200]
    assert [each.body[:2] for each in replies if each.status == 200] == [b"[{", b'["', b"[{", b'["']


async def test_what_comes_together_goes_the_usual_way_from_then_on(line: Line, replica: Replica) -> None:
    for number in range(10, 30):
        await replica.report("a", job(number, Content={"Description": "x" * 200_000}))
    first, before = await line.learn(POLL), known()
    line.writer.write(POLL + get("/nothing"))
    assert len(first.body) > 4_000_000
    assert (await line.reply()).body == first.body
    assert (await line.reply()).status == 404
    line.writer.write(POLL)
    again = await line.reply()
    assert again.body == first.body
    assert known() == before  # what came together was read together, and so is all that follows


async def test_a_large_list_that_is_polled_is_whole(line: Line, replica: Replica) -> None:
    for number in range(10, 30):
        await replica.report("a", job(number, Content={"Description": "x" * 200_000}))
    first, before = await line.learn(POLL), known()
    line.writer.write(POLL)
    await is_read()
    line.writer.write(get("/nothing"))
    assert (await line.reply()).body == first.body
    assert (await line.reply()).status == 404
    assert known() - before == 1


async def test_who_leaves_in_the_middle_of_a_large_list_leaves_nothing_behind(line: Line, replica: Replica) -> None:
    for number in range(10, 30):
        await replica.report("a", job(number, Content={"Description": "x" * 200_000}))
    await line.learn(POLL)
    before = known()
    line.writer.write(POLL)
    await line.reader.readexactly(1000)
    line.writer.transport.abort()
    await until(lambda: not any(each.get_name() == "list" for each in asyncio.all_tasks()))
    assert known() - before == 1
    assert (await replica.get("/jobs")).status == 200


async def test_while_redis_is_away_a_poll_is_marked_as_stale(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "X-Job-Index" not in (await line.learn(POLL)).headers

    async def away(self: object) -> bool:
        return False

    monkeypatch.setattr("jobindex.service.freshness.Freshness.catch_up", away)
    answer = await line.ask(POLL)
    assert answer.status == 200
    assert answer.headers["X-Job-Index"].startswith("stale")
    monkeypatch.undo()
    assert "X-Job-Index" not in (await line.ask(POLL)).headers


async def test_a_replica_that_stops_finishes_what_is_polled(
    redis_url: str, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, asked = asyncio.Event(), asyncio.Event()

    async def wait(self: object) -> bool:
        asked.set()
        await held.wait()
        return True

    async with AsyncExitStack() as lines:
        async with replica_on(redis_url) as replica:
            await replica.report("a", job(1), at=orthanc)
            await replica.knows_whom_to_ask()
            line = await lines.enter_async_context(line_to(replica))
            await line.learn(POLL)
            monkeypatch.setattr("jobindex.service.freshness.Freshness.catch_up", wait)
            line.writer.write(POLL)
            await asked.wait()
            asyncio.get_running_loop().call_later(0.2, held.set)
        assert (await line.reply()).status == 200


KINDS: dict[str, tuple[bytes, int]] = {
    "objects": (POLL, 200),
    "ids": (get("/jobs"), 200),
    "nothing": (get("/nothing"), 404),
    "an action": (
        f"POST /jobs/{job_id(9)}/cancel HTTP/1.1\r\n{HEAD}Content-Length: {len(POLL)}\r\n\r\n".encode() + POLL,
        400,
    ),
    "a body": (get("/jobs", f"Content-Length: {len(POLL)}") + POLL, 200),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_however_requests_are_cut_each_is_answered_once_and_in_order(replica: Replica, data: Any) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=10))
    whole = b"".join(KINDS[each][0] for each in chosen)
    borders = [len(b"".join(KINDS[each][0] for each in chosen[:count])) for count in range(len(chosen) + 1)]
    cuts = sorted(
        {
            *data.draw(st.sets(st.sampled_from(borders))),
            *data.draw(st.sets(st.integers(0, len(whole)), max_size=3)),
            0,
            len(whole),
        }
    )
    async with line_to(replica) as line:
        for start, end in pairwise(cuts):
            line.writer.write(whole[start:end])
            await is_read()
        replies = [(await line.reply()).status for _ in chosen]
    assert replies == [KINDS[each][1] for each in chosen]
