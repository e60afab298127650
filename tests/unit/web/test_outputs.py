"""An output comes from its owner byte for byte, and what breaks off never looks whole."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from jobindex.orthanc.output import WORTH_POURING, Output
from jobindex.orthanc.sessions import BUFFER
from jobindex.orthanc.splice import PIPE
from jobindex.service import relay
from jobindex.web import server

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, CHALLENGE, LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, client, replica_on

PATH = f"/jobs/{job_id(1)}/archive"
BODY = os.urandom(3_000_000)
HALF = 1_500_000
BORDERS = (BUFFER, WORTH_POURING, 3 * PIPE)
ENDLESS = {"Content-Length": str(1 << 40)}
HEADERS = {
    "Content-Type": "application/zip",
    "Content-Disposition": 'filename="archive.zip"',
    "Set-Cookie": "session=1",
    "Server": "secret",
    "Access-Control-Allow-Origin": "*",
}


@pytest.fixture(params=["poured", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways from the owner's socket to the caller's."""
    if request.param == "read":
        monkeypatch.delattr(os, "splice")
    return str(request.param)


each_way = pytest.mark.usefixtures("way")


@pytest.fixture
async def owned(replica: Replica) -> Replica:
    """Job 1 has ended on node a."""
    await replica.report("a", job(1, "Success"))
    return replica


@each_way
@pytest.mark.parametrize("length", [0, 1, *(border + more for border in BORDERS for more in (-1, 0, 1))])
async def test_an_output_is_what_the_owner_sends(owned: Replica, orthanc: ScriptedOrthanc, length: int) -> None:
    body = os.urandom(length)
    orthanc.tell(PATH, body, headers=HEADERS)
    answer = await owned.get(PATH)
    assert (answer.status, answer.body == body) == (200, True)
    assert answer.headers["Content-Length"] == str(len(body))
    assert (orthanc.count("GET", PATH), orthanc.asked[-1].headers["Authorization"]) == (1, AUTHORIZATION)


async def test_a_large_one_is_poured(owned: Replica, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(output: Output) -> bytes:
        raise AssertionError("it was read")

    monkeypatch.setattr(Output, "piece", never)
    orthanc.tell(PATH, BODY, headers=HEADERS)
    assert (await owned.get(PATH)).body == BODY


async def test_only_the_headers_that_clients_need_are_passed(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, b"zip", headers=HEADERS)
    headers = (await owned.get(PATH)).headers
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == 'filename="archive.zip"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert headers.get("Server") != "secret"


@each_way
@pytest.mark.parametrize("length", [{"Content-Length": "8000000"}, {}])
@pytest.mark.parametrize("cut", [0, 300_000, 7_999_999])
async def test_an_output_that_breaks_off_is_never_taken_for_whole(
    owned: Replica, orthanc: ScriptedOrthanc, length: dict[str, str], cut: int
) -> None:
    orthanc.tell(PATH, b"z" * 8_000_000, headers=HEADERS | length, cut=cut)
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await owned.get(PATH)


@each_way
@pytest.mark.parametrize("length", [ENDLESS, {}])
async def test_who_stops_reading_ends_the_owner_s_sending(
    owned: Replica, orthanc: ScriptedOrthanc, length: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """And is no error: people close their tabs."""
    orthanc.tell(PATH, endless=True, headers=HEADERS | length)
    before = descriptors()
    async with owned.session.get(URL(owned.public + PATH), headers=LOGIN) as response:
        assert await response.content.readexactly(3_000_000)
        response.close()
    await until(orthanc.left.is_set)
    await until(lambda: descriptors() <= before)
    assert "broke off" not in caplog.text


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@each_way
async def test_a_download_holds_up_nobody_else(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, endless=True, headers=HEADERS | ENDLESS)
    async with owned.session.get(URL(owned.public + PATH), headers=LOGIN) as response:
        assert await response.content.readexactly(3_000_000)
        assert (await owned.get("/jobs")).status == 200


@each_way
async def test_after_a_download_its_connection_serves_on(owned: Replica, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, BODY, headers=HEADERS)
    asking = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTHORIZATION}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection(*owned.public.removeprefix("http://").split(":"))
    for _ in range(3):
        writer.write(asking)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(len(BODY)) == BODY
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def half_a_download(
    index_url: str, orthanc: ScriptedOrthanc, rest: asyncio.Event
) -> AsyncIterator[aiohttp.ClientResponse]:
    """From a replica that has been told to stop; what is still to come does so with `rest`."""
    orthanc.tell(PATH, BODY, headers=HEADERS | {"Content-Length": str(len(BODY))}, cut=HALF, halts=rest)
    addresses, stop = asyncio.Queue[str](), asyncio.Event()

    async def serve() -> None:
        async with replica_on(index_url) as replica:
            assert (await replica.report("a", job(1, "Success"), at=orthanc)).status == 200
            await replica.knows_whom_to_ask()
            addresses.put_nowait(replica.public)
            await stop.wait()

    async with asyncio.TaskGroup() as tasks, client() as session:
        tasks.create_task(serve())
        address = await addresses.get()
        async with session.get(URL(address + PATH), headers=LOGIN) as response:
            assert await response.content.readexactly(HALF) == BODY[:HALF]
            stop.set()
            await until(lambda: is_closed(address))
            yield response


async def is_closed(address: str) -> bool:
    try:
        async with client() as session, session.get(address):
            return False
    except aiohttp.ClientConnectorError:
        return True


@each_way
async def test_a_replica_that_stops_lets_a_download_come_to_its_end(index_url: str, orthanc: ScriptedOrthanc) -> None:
    rest = asyncio.Event()
    async with half_a_download(index_url, orthanc, rest) as response:
        rest.set()
        assert await response.read() == BODY[HALF:]


@each_way
async def test_a_replica_that_stops_does_not_wait_for_ever(
    index_url: str, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DRAIN", 0.1)
    async with half_a_download(index_url, orthanc, asyncio.Event()) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


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


@each_way
@pytest.mark.parametrize("status", [200, 404])
async def test_in_use_an_orthanc_may_take_its_time_until_an_output_begins(
    owned: Replica, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """It reads a large archive as a whole before the first byte: that is not a download that stands still."""
    for module in ("output", "client"):
        monkeypatch.setattr(f"jobindex.orthanc.{module}.IDLE", 0.2, raising=False)
    has_read = asyncio.Event()
    orthanc.tell(PATH, BODY, status=status, headers=HEADERS, until=has_read)
    asyncio.get_running_loop().call_later(0.6, has_read.set)
    answer = await owned.get(PATH)
    assert (answer.status, answer.body == BODY) == (status, True)


async def test_in_use_an_output_may_take_as_long_to_begin_as_nginx_waits() -> None:
    """A little less, so that the answer to whoever waited in vain is ours."""
    conf = (Path(__file__).parents[3] / "nginx.conf").read_text()
    outputs = re.search(r"limit_conn outputs.*?proxy_read_timeout (\d+)s", conf, re.DOTALL)
    assert outputs is not None
    assert int(outputs.group(1)) - 15 <= relay.HEAD_WITHIN < int(outputs.group(1))


async def test_an_output_that_stands_still_breaks_off(
    owned: Replica, orthanc: ScriptedOrthanc, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.orthanc.output.IDLE", 0.2)
    length = {"Content-Length": str(len(BODY))} if way == "poured" else {}
    orthanc.tell(PATH, BODY, headers=HEADERS | length, cut=HALF, halts=asyncio.Event())
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await owned.get(PATH)
