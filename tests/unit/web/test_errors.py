"""Every error has its row, and nothing is ever answered twice."""

from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web

from jobindex import errors
from jobindex.auth.recognition import Recognition
from jobindex.errors import IndexAway, JobIndexError, OwnerSilent, Refused
from jobindex.orthanc.wire import MESSAGES
from jobindex.web.errors import TABLE
from jobindex.web.routes import Call, Route, Routes
from jobindex.web.server import handler, listening

from .replica import Reply, client


def tree(error: type[JobIndexError] = JobIndexError) -> Iterator[type[JobIndexError]]:
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


@pytest.mark.parametrize("error", list(tree()))
def test_every_word_has_a_row(error: type[JobIndexError]) -> None:
    row = TABLE[error.word]
    assert 400 <= row.status < 600
    assert row.code in MESSAGES


def test_no_two_errors_chose_one_word_and_no_row_is_idle() -> None:
    """An error that is answered as its parent is has no word of its own."""
    kinds = list(tree())
    chosen = [kind.word for kind in kinds if "word" in vars(kind)]
    assert len(set(chosen)) == len(chosen)
    assert {kind.word for kind in kinds} == set(TABLE)
    assert len(kinds) == sum(isinstance(each, type) for each in vars(errors).values())


async def raised(error: Exception, method: str = "GET", begun: bool = False) -> Reply:
    """The answer of a door that raises this, after the first bytes of its own answer if `begun`."""

    async def door(call: Call) -> web.StreamResponse:
        if begun:
            response = web.StreamResponse()
            await response.prepare(call.request)
            await response.write(b"the beginning")
        raise error

    answer = handler(Routes([Route("/door", {method: door})]), Recognition(), guard=lambda doors: doors)
    async with (
        listening(answer, "127.0.0.1", 0) as port,
        client() as session,
        session.request(method, f"http://127.0.0.1:{port}/door") as response,
    ):
        return Reply(response.status, response.headers, await response.read())


async def test_an_error_of_ours_is_answered_as_orthanc_answers_errors() -> None:
    response = await raised(IndexAway("Redis is away"))
    told = response.json
    assert response.status == told["HttpStatus"] == 503
    assert (told["Details"], told["Method"], told["Uri"]) == ("Redis is away", "GET", "/door")
    assert response.headers["Retry-After"]


async def test_what_nobody_foresaw_is_answered_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    response = await raised(KeyError("a secret of ours"))
    assert response.status == 500
    assert b"secret" not in response.body
    assert "a secret of ours" in caplog.text


async def test_a_refusal_has_no_body_and_keeps_its_challenge() -> None:
    response = await raised(Refused(401, 'Basic realm="x"'))
    assert (response.status, response.body) == (401, b"")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="x"'
    assert "WWW-Authenticate" not in (await raised(Refused(403))).headers


@pytest.mark.parametrize(("method", "unknown"), [("POST", True), ("DELETE", True), ("GET", None)])
async def test_an_unclear_outcome_is_said_where_something_may_have_been_done(method: str, unknown: bool | None) -> None:
    response = await raised(OwnerSilent("no answer"), method)
    told = response.json
    assert (response.status, told.get("OutcomeUnknown")) == (504, unknown)
    assert "Retry-After" not in response.headers


async def test_orthancs_and_probes_are_told_when_to_come_again() -> None:
    async def door(call: Call) -> web.StreamResponse:
        raise IndexAway("away")

    async with (
        listening(handler(Routes([Route("/door", {"POST": door})]), Recognition()), "127.0.0.1", 0) as port,
        client() as session,
        session.post(f"http://127.0.0.1:{port}/door") as response,
    ):
        assert (response.status, "Retry-After" in response.headers) == (503, True)


@pytest.mark.parametrize("error", [IndexAway("away"), KeyError("unforeseen")])
async def test_no_second_answer_stands_in_the_body_of_the_first(error: Exception) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await raised(error, begun=True)
