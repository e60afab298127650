"""What the doctor concludes from what nginx, or whoever is there instead, answers over HTTP."""

from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from jobindex.cli.doctor.front import front_findings
from jobindex.demo.ports import LOOPBACK, free_port
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding
from jobindex.orthanc.wire import CHALLENGE

from ...scripted_orthanc import scripted
from ...web.replica import replica_on

Said = tuple[int, Mapping[str, str], str]

REPLICA = {
    "X-Request-Id": "1",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
LOGIN = {"WWW-Authenticate": CHALLENGE}
JOBS, SYSTEM, BARE_JOBS, BARE_SYSTEM = "/orthanc/jobs", "/orthanc/system", "/jobs", "/system"
GOOD: dict[str, Said] = {JOBS: (401, REPLICA | LOGIN, ""), SYSTEM: (401, LOGIN, "")}
AWAY = '{"Details": "No replica of the job index answers: nothing was done", "HttpStatus": 503}'
NOBODY = '{"Details": "No Orthanc can be asked", "HttpStatus": 503}'


async def found(said: Mapping[str, Said]) -> list[Finding]:
    """What is found where these paths are answered so, and all others 404, but for what is said of plain HTTP."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        status, headers, text = said.get(request.path, (404, {}, "<html>"))
        return web.Response(status=status, headers=headers, text=text)

    async with RawTestServer(answer) as server, aiohttp.ClientSession() as session:
        return await front_findings(session, f"http://127.0.0.1:{server.port}")


async def test_administrator_what_is_in_order_is_said_to_be() -> None:
    assert [each.level for each in await found(GOOD)] == [OK]


WRONG: list[tuple[dict[str, Said], str, tuple[str, ...]]] = [
    ({JOBS: (503, {}, AWAY)}, PROBLEM, ("nginx reaches no replica", "503", "8000")),
    ({JOBS: (502, {}, "<html>")}, PROBLEM, ("nginx reaches no replica", "502")),
    ({JOBS: (503, REPLICA, NOBODY)}, PROBLEM, ("503 by a replica", "No Orthanc can be asked")),
    ({JOBS: (404, REPLICA, "{}")}, PROBLEM, ("internal listener of a replica", "8000")),
    ({JOBS: (404, {}, "<html>")}, PROBLEM, ("something else than a replica",)),
    ({JOBS: (401, LOGIN, "")}, PROBLEM, ("something else than a replica",)),
    ({JOBS: (429, REPLICA, "{}")}, WARNING, ("429",)),
    ({JOBS: (429, {}, "{}")}, WARNING, ("429", "too often")),
    ({JOBS: (200, REPLICA, "[]")}, WARNING, ("without a login",)),
    ({SYSTEM: (502, {}, "<html>")}, PROBLEM, ("nginx reaches no Orthanc", "502", "8042")),
    ({SYSTEM: (504, {}, "<html>")}, PROBLEM, ("nginx reaches no Orthanc", "504")),
    ({SYSTEM: (404, REPLICA, "{}")}, PROBLEM, ("Orthanc's to a replica", "404")),
    ({SYSTEM: (200, {}, "<html>")}, PROBLEM, ("something else than an Orthanc",)),
    ({JOBS: (302, {}, ""), SYSTEM: (302, {}, "")}, WARNING, ("before nginx wants a login", "302")),
]


@pytest.mark.parametrize(("changed", "level", "words"), WRONG)
async def test_administrator_what_is_wrong_behind_nginx_is_named(
    changed: dict[str, Said], level: str, words: tuple[str, ...]
) -> None:
    (finding,) = await found(GOOD | changed)
    assert finding.level == level
    assert all(word in str(finding) for word in words), str(finding)
    assert finding.mend


async def test_administrator_an_orthanc_that_is_named_as_nginx_is_said_to_be_one() -> None:
    async with scripted(login=True) as orthanc, aiohttp.ClientSession() as session:
        (finding,) = await front_findings(session, orthanc.url)
    assert (finding.level, "an Orthanc answers itself, and not nginx" in finding.says) == (PROBLEM, True)
    assert "--front" in finding.mend


async def test_administrator_a_replica_that_is_named_as_nginx_is_said_to_be_one(index_url: str) -> None:
    async with replica_on(index_url) as replica, aiohttp.ClientSession() as session:
        (finding,) = await front_findings(session, replica.public)
        inside = await front_findings(session, replica.internal)
    assert (finding.level, "a replica answers itself, and not nginx" in finding.says) == (PROBLEM, True)
    assert any("a replica answers itself" in each.says for each in inside)


async def test_administrator_why_nginx_does_not_answer_is_said() -> None:
    async with aiohttp.ClientSession() as session:
        (finding,) = await front_findings(session, f"http://{LOOPBACK}:{free_port()}")
    assert "does not answer: connection refused" in finding.says
