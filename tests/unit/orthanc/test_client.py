"""What is sent to an Orthanc, how often, and what the answers become."""

import asyncio
import gzip
import socket
from contextlib import AsyncExitStack

import aiohttp
import pytest

from jobindex.errors import OwnerSilent, OwnerUnreachable
from jobindex.orthanc import client as module
from jobindex.orthanc import places
from jobindex.orthanc.client import Client, exactly
from jobindex.orthanc.credentials import NOBODY, Credentials, authorized
from jobindex.orthanc.output import Output

from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc, Told, scripted
from ..waiting import until

NEVER = Told(hangs=True)
DROPPED = Told(drops=True)
DEMO = authorized(AUTHORIZATION)


def closed_port() -> int:
    """A port on which nobody listens, kept bound so that nobody begins to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def test_an_answer_has_status_body_and_permitted_headers(client: Client, orthanc: ScriptedOrthanc) -> None:
    headers = {"Content-Type": "application/json", "Set-Cookie": "a=b", "Server": "x", "Allow": "GET"}
    orthanc.tell("/jobs", b"[1]", status=404, headers=headers)
    answer = await client.ask(orthanc.url, "GET", "/jobs")
    assert (answer.status, answer.body) == (404, b"[1]")
    assert answer.headers == {"Content-Type": "application/json", "Allow": "GET"}


async def test_where_nobody_listens_nothing_was_sent(client: Client) -> None:
    with pytest.raises(OwnerUnreachable):
        await client.ask(f"http://127.0.0.1:{closed_port()}", "POST", "/jobs")


async def test_a_name_that_nobody_has_can_not_be_called(client: Client) -> None:
    with pytest.raises(OwnerUnreachable):
        await client.ask("http://nobody.invalid:8042", "POST", "/jobs")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_who_was_asked_and_does_not_answer_is_silent(
    client: Client, orthanc: ScriptedOrthanc, method: str
) -> None:
    orthanc.tell_in_turn("/jobs", [NEVER], method=method)
    with pytest.raises(OwnerSilent):
        await client.ask(orthanc.url, method, "/jobs", within=0.2)
    assert orthanc.count(method, "/jobs") == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_what_changes_something_is_sent_once_though_the_connection_ends_without_an_answer(
    client: Client, orthanc: ScriptedOrthanc, method: str
) -> None:
    orthanc.tell_in_turn("/jobs", [DROPPED, Told()], method=method)
    with pytest.raises(OwnerSilent):
        await client.ask(orthanc.url, method, "/jobs")
    assert orthanc.count(method, "/jobs") == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_what_changes_something_never_uses_a_connection_twice(
    client: Client, orthanc: ScriptedOrthanc, method: str
) -> None:
    orthanc.tell("/jobs", method=method)
    await client.ask(orthanc.url, "GET", "/jobs")
    for _ in range(2):
        await client.ask(orthanc.url, method, "/jobs")
    assert len({asked.port for asked in orthanc.asked}) == 3


async def test_a_get_outlives_a_kept_connection_that_the_server_closed(
    client: Client, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell_in_turn("/jobs", [Told(body=b"1"), DROPPED, Told(body=b"2")])
    assert (await client.ask(orthanc.url, "GET", "/jobs")).body == b"1"
    assert (await client.ask(orthanc.url, "GET", "/jobs")).body == b"2"


async def test_a_get_uses_a_connection_again(client: Client, orthanc: ScriptedOrthanc) -> None:
    for _ in range(2):
        await client.ask(orthanc.url, "GET", "/jobs")
    assert len({asked.port for asked in orthanc.asked}) == 1


@pytest.mark.parametrize("headers", [{"Content-Length": "100"}, {}])
async def test_an_answer_that_breaks_off_is_none(
    client: Client, orthanc: ScriptedOrthanc, headers: dict[str, str]
) -> None:
    orthanc.tell("/jobs", b"[" + b"1," * 40, headers=headers, cut=10)
    with pytest.raises(OwnerSilent):
        await client.ask(orthanc.url, "GET", "/jobs")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_nobody_is_led_elsewhere(client: Client, orthanc: ScriptedOrthanc, method: str) -> None:
    async with scripted() as elsewhere:
        target = f"{elsewhere.url}/jobs"
        orthanc.tell("/jobs", method=method, status=302, headers={"Location": target})
        with pytest.raises(OwnerSilent, match="no Orthanc"):
            await client.ask(orthanc.url, method, "/jobs", DEMO)
        assert elsewhere.asked == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_only_the_caller_s_headers_are_sent(client: Client, orthanc: ScriptedOrthanc, method: str) -> None:
    await client.ask(orthanc.url, method, "/jobs", authorized("Bearer x"))
    sent = {name.lower() for name in orthanc.asked[0].headers}
    assert sent <= {"host", "authorization", "content-length", "connection"}
    assert orthanc.asked[0].headers["Authorization"] == "Bearer x"


async def test_a_cookie_of_an_orthanc_is_not_kept(client: Client, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/jobs", headers={"Set-Cookie": "session=1; Path=/"})
    for _ in range(2):
        await client.ask(orthanc.url, "GET", "/jobs")
    assert "Cookie" not in orthanc.asked[1].headers


async def test_the_path_is_sent_as_it_is(client: Client, orthanc: ScriptedOrthanc) -> None:
    await client.ask(orthanc.url, "GET", "/jobs?expand")
    assert orthanc.paths() == {"/jobs?expand"}


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Encoding": "br, gzip"}, {"Content-Type": "text/HTML"}]
)
async def test_what_no_orthanc_answers_is_no_answer(
    client: Client, orthanc: ScriptedOrthanc, headers: dict[str, str]
) -> None:
    orthanc.tell("/jobs", gzip.compress(b"0" * 1_000_000), headers=headers)
    with pytest.raises(OwnerSilent, match="no Orthanc"):
        await client.ask(orthanc.url, "GET", "/jobs")
    with pytest.raises(OwnerSilent, match="no Orthanc"):
        async with client.stream(orthanc.url, "/jobs", NOBODY, within=5):
            pytest.fail("it is no answer")


@pytest.mark.parametrize("status", [401, 403, 404, 502])
async def test_a_page_of_a_proxy_before_an_orthanc_counts_for_its_status(
    client: Client, orthanc: ScriptedOrthanc, status: int
) -> None:
    orthanc.tell("/jobs", b"<html>", status=status, headers={"Content-Type": "text/html"})
    assert (await client.ask(orthanc.url, "GET", "/jobs")).status == status


async def test_one_orthanc_has_so_many_questions_at_once_and_who_waits_in_vain_was_sent_nothing(
    client: Client, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "AT_ONCE", 2)
    done = asyncio.Event()
    orthanc.tell("/slow", until=done)
    slow = [asyncio.create_task(client.ask(orthanc.url, "GET", "/slow", within=30)) for _ in range(2)]
    await until(lambda: orthanc.count("GET", "/slow") == 2)
    for method in ("GET", "POST"):
        with pytest.raises(OwnerUnreachable, match="enough to do"):
            await client.ask(orthanc.url, method, "/jobs", within=0.1)
    assert orthanc.paths() == {"/slow"}
    done.set()
    await asyncio.gather(*slow)
    assert (await client.ask(orthanc.url, "GET", "/jobs")).status == 200


async def test_downloads_take_no_place_from_questions(
    client: Client, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "AT_ONCE", 2)
    orthanc.tell("/big", endless=True)
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(client.stream(orthanc.url, "/big", NOBODY, within=5))
        assert (await client.ask(orthanc.url, "GET", "/jobs")).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_arguments_follow_the_path(client: Client, orthanc: ScriptedOrthanc, method: str) -> None:
    await client.ask(orthanc.url, method, "/jobs", Credentials(arguments=(("token", "a/../b?c&d=%2e"),)))
    assert orthanc.paths() == {"/jobs?token=a%2F..%2Fb%3Fc%26d%3D%252e"}


@pytest.mark.parametrize("meant", ["http://a:80/jobs?x=%2F%2e", "https://A/jobs/../x", "http://[::1]:8042/jobs?a&a="])
def test_what_is_sent_is_what_was_meant(meant: str) -> None:
    assert f"{exactly(meant).raw_authority}{exactly(meant).raw_path_qs}" == meant.partition("://")[2]


@pytest.mark.parametrize("path", ["/jobs#hidden", "/jobs?hidden#", "?hidden"])
async def test_what_would_be_sent_otherwise_is_not_sent(client: Client, orthanc: ScriptedOrthanc, path: str) -> None:
    with pytest.raises(ValueError, match="not the one that was meant") as refusal:
        await client.ask(orthanc.url, "GET", path)
    assert "hidden" not in str(refusal.value)
    assert orthanc.asked == []


async def test_an_answer_has_a_largest_size(
    client: Client, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    orthanc.tell_in_turn("/jobs", [Told(body=b"x" * 1000), Told(body=b"x" * 1001), Told(endless=True)])
    assert len((await client.ask(orthanc.url, "GET", "/jobs")).body) == 1000
    for _ in range(2):
        with pytest.raises(OwnerSilent, match="larger"):
            await client.ask(orthanc.url, "GET", "/jobs")


async def test_who_is_slow_to_take_the_call_was_sent_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", never)
    monkeypatch.setattr(module, "CONNECT", 0.1)
    with pytest.raises(OwnerUnreachable):
        await client.ask("http://127.0.0.1:1", "POST", "/jobs", within=5)


async def read(output: Output, count: int) -> bytes:
    """At least so many bytes."""
    body = b""
    while len(body) < count and (piece := await output.piece()):
        body += piece
    return body


async def test_a_stream_gives_its_body_piece_by_piece(client: Client, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/big", endless=True)
    async with client.stream(orthanc.url, "/big", DEMO, within=5) as output:
        assert output.status == 200
        assert len(await read(output, 1_000_000)) >= 1_000_000
    await until(orthanc.left.is_set)


async def test_a_stream_that_breaks_off_is_seen_to(client: Client, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/big", b"x" * 1000, headers={"Content-Length": "1000"}, cut=10)
    async with client.stream(orthanc.url, "/big", NOBODY, within=5) as output:
        with pytest.raises(OwnerSilent):
            await read(output, 1000)


async def test_a_stream_that_does_not_begin_is_silence(client: Client, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/big", hangs=True)
    with pytest.raises(OwnerSilent):
        async with client.stream(orthanc.url, "/big", NOBODY, within=0.2):
            pytest.fail("it did not begin")


async def test_a_stream_that_can_not_be_called_was_not_sent(client: Client) -> None:
    with pytest.raises(OwnerUnreachable):
        async with client.stream(f"http://127.0.0.1:{closed_port()}", "/big", NOBODY, within=0.2):
            pytest.fail("it did not begin")
