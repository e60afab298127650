"""What was not done never looks done to a client that people use: every error, as a replica and as nginx answers it.

orthanc-api-client takes 502, 503 and, with `Retry-After`, 429 to a POST or DELETE for done after four tries.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from front import Front, answer, fronted, hang_up
from orthanc_api_client import OrthancApiClient
from orthanc_api_client.exceptions import OrthancApiException
from pyorthanc import Orthanc

from jobindex.auth.recognition import Recognition
from jobindex.demo.cluster import temporary_folder
from jobindex.demo.nginx import build_nginx
from jobindex.demo.ports import free_port
from jobindex.errors import JobIndexError, Refused, TooOften
from jobindex.web.routes import Call, Route, Routes
from jobindex.web.server import handler, listening

JOB = "/jobs/3f8a1c9e-6f3b-4a55-9c0e-0d3b6a2f7c11"
ASKS = {"POST": f"{JOB}/cancel", "DELETE": JOB, "PUT": JOB}
SURELY_NOT = {"owner_gone", "owner_down", "nobody_to_ask", "not_everybody_answered", "not_recorded", "not_ready"}
UNCLEAR = {"owner", "owner_silent", "index_away", "index_not_told", "internal"}


def tree(error: type[JobIndexError] = JobIndexError) -> Iterator[type[JobIndexError]]:
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


def errors() -> dict[str, Exception]:
    """One of each class, and what nobody foresaw, by the class's name."""
    made: dict[str, Exception] = {}
    for kind in reversed(list(tree())):
        made[kind.__name__] = Refused(403) if kind is Refused else TooOften("x", 7) if kind is TooOften else kind("x")
    return {**made, "KeyError": KeyError("x")}


async def fail(call: Call) -> web.StreamResponse:
    raise errors()[call.request.query["error"]]


@asynccontextmanager
async def serving(place: str) -> AsyncIterator[str]:
    """The address of a replica's listener for clients, whose doors raise what is asked for, or of nginx before it."""
    routes = Routes(
        [Route("/jobs/{id}", {"GET": fail, "DELETE": fail, "PUT": fail}), Route(ASKS["POST"], {"POST": fail})]
    )
    clients = handler(routes, Recognition(), guard=lambda doors: doors)
    async with listening(clients, "127.0.0.1", 0) as port:
        if place == "replica":
            yield f"http://127.0.0.1:{port}"
            return
        with temporary_folder() as folder:
            nginx = build_nginx(folder, free_port(), [port], [port])
            await nginx.process.start()
            try:
                yield f"{nginx.url}/orthanc"
            finally:
                await nginx.process.stop()


def looks_done(url: str, method: str, target: str) -> bool:
    """Whether the client returns from it as after a 200."""
    client = OrthancApiClient(f"{url}/", user="demo", pwd="demo")
    try:
        getattr(client, method.lower())(target.removeprefix("/"))
    except OrthancApiException:
        return False
    return True


async def told(url: str, method: str, target: str) -> tuple[int, Mapping[str, str], object]:
    async with aiohttp.ClientSession() as session, session.request(method, url + target) as response:
        body = await response.json(content_type=None) if response.content_length != 0 else {}
        return response.status, response.headers, body.get("OutcomeUnknown")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("status", "headers", "done", "times"),
    [
        (500, {}, False, 1),
        (500, {"Retry-After": "0"}, False, 1),
        (504, {"Retry-After": "0"}, False, 1),
        (429, {}, False, 1),
        (409, {}, False, 1),
        (502, {}, True, 4),
        (503, {}, True, 4),
        (429, {"Retry-After": "0"}, True, 4),
        (413, {"Retry-After": "0"}, True, 4),
    ],
)
async def test_what_that_client_makes_of_statuses(
    method: str, status: int, headers: Mapping[str, str], done: bool, times: int
) -> None:
    """As the contract's page has it."""
    asked: list[str] = []

    async def say(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.method)
        return web.Response(status=status, headers=headers, text="{}")

    async with RawTestServer(say) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert await asyncio.to_thread(looks_done, url, method, JOB) is done
    assert asked == [method] * times


@pytest.mark.parametrize("status", [413, 429, 500, 502, 503, 504])
async def test_pyorthanc_raises_whatever_is_not_done(status: int) -> None:
    async def say(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": "0"}, text="{}")

    async with RawTestServer(say) as server:
        with Orthanc(f"http://127.0.0.1:{server.port}") as client, pytest.raises(httpx.HTTPError):
            await asyncio.to_thread(client.post_jobs_id_cancel, JOB[6:])


async def test_that_client_sends_again_what_was_cut_off() -> None:
    """So a change is better answered with 504 than cut."""
    asked: list[str] = []

    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.method)
        return await hang_up(request)

    async with RawTestServer(cut) as server:
        assert not await asyncio.to_thread(looks_done, f"http://127.0.0.1:{server.port}", "POST", JOB)
    assert asked == ["POST"] * 4


@pytest.mark.parametrize("method", ASKS)
@pytest.mark.parametrize("place", ["replica", "nginx"])
async def test_in_use_no_error_looks_done_to_a_client(place: str, method: str) -> None:
    async with serving(place) as url:
        for name, error in errors().items():
            target = f"{ASKS[method]}?error={name}"
            status, headers, unknown = await told(url, method, target)
            assert not await asyncio.to_thread(looks_done, url, method, target), name
            assert status >= 400, name
            assert (status in (502, 503), "Retry-After" in headers) == (False, False), name
            word = getattr(error, "word", "internal")
            assert unknown is (False if word in SURELY_NOT else True if word in UNCLEAR else None), name


@pytest.mark.parametrize("place", ["replica", "nginx"])
async def test_a_read_is_told_when_to_try_again(place: str) -> None:
    async with serving(place) as url:
        for name in ("OwnerUnreachable", "NobodyToAsk", "IndexAway", "TooOften"):
            status, headers, _ = await told(url, "GET", f"{JOB}?error={name}")
            assert (status, "Retry-After" in headers) == (429 if name == "TooOften" else 503, True)


@pytest.mark.parametrize("method", ASKS)
@pytest.mark.parametrize("target", [JOB, "/studies/x/anonymize"])
async def test_in_use_nginx_alone_never_says_done(method: str, target: str) -> None:
    """Nobody behind it is there: nothing was done, and a client that people use has to see that."""
    async with fronted(alive=0) as front:
        status, headers, unknown = await told(f"{front.url}/orthanc", method, target)
        assert (status, "Retry-After" in headers, unknown) == (500, False, False)
        assert not await asyncio.to_thread(looks_done, f"{front.url}/orthanc", method, target)


@pytest.mark.parametrize("method", ASKS)
@pytest.mark.parametrize("target", [JOB, "/studies/x/anonymize"])
async def test_in_use_what_was_taken_and_not_answered_is_unclear(method: str, target: str) -> None:
    async with fronted() as front:
        behind = front.replicas if target == JOB else front.orthancs
        behind.play(hang_up)
        status, headers, unknown = await told(f"{front.url}/orthanc", method, target)
        assert (status, "Retry-After" in headers, unknown) == (504, False, True)
        assert behind.sent == [f"{method} {target}"]
        assert not await asyncio.to_thread(looks_done, f"{front.url}/orthanc", method, target)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_in_use_too_many_changes_look_refused(method: str) -> None:
    async with fronted(rate="1r/m") as front:
        await used_up(front)
        async with front.ask(method, f"/orthanc{JOB}") as response:
            details = (await response.json())["Details"]
            assert (response.status, "Retry-After" in response.headers) == (429, False)
            assert "1 s" in details
        assert not await asyncio.to_thread(looks_done, f"{front.url}/orthanc", method, JOB)
        async with front.ask("GET", f"/orthanc{JOB}") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "1")


async def used_up(front: Front) -> None:
    front.replicas.play(answer)
    while await front.status("GET", f"/orthanc{JOB}") == 200:
        pass


async def test_a_read_of_dead_orthancs_is_a_bad_gateway() -> None:
    async with fronted(alive=0) as front:
        assert await front.status("GET", "/orthanc/system") == 502
