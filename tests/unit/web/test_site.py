"""What another site makes a browser send is refused before an Orthanc hears of it."""

from collections.abc import AsyncIterator

import pytest

from ...builders import job_id
from ..scripted_orthanc import LOGIN, ScriptedOrthanc
from ..words import job
from .replica import Replica, replica_on

JOB = f"/jobs/{job_id(1)}"
FRIEND = "https://portal.example.org"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
"""As a form of another site is sent: with the login that the browser keeps, and without asking anybody first."""

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "anything"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "{host}"},
    {"Origin": "file://{host}"},
    {"Origin": "http://{host}.evil.example"},
    {"Origin": "http://{host}@evil.example"},
    {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"},
    {"Origin": "http://{host}", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
]
OURS = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://{host}"},
    {"Origin": "https://{host}"},
    {"Origin": FRIEND},
    {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
]


@pytest.fixture
async def befriended(redis_url: str, orthanc: ScriptedOrthanc) -> AsyncIterator[Replica]:
    """A replica with a friend, and job 1 on its only node."""
    async with replica_on(redis_url, origins=[FRIEND]) as replica:
        await replica.report("a", job(1), at=orthanc)
        await replica.knows_whom_to_ask()
        orthanc.asked.clear()
        yield replica


def filled(headers: dict[str, str], replica: Replica) -> dict[str, str]:
    host = replica.public.removeprefix("http://")
    return {**LOGIN, **FORM, **{name: value.replace("{host}", host) for name, value in headers.items()}}


@pytest.mark.parametrize("headers", FOREIGN)
async def test_nothing_is_changed_for_a_foreign_site(
    befriended: Replica, orthanc: ScriptedOrthanc, headers: dict[str, str]
) -> None:
    for method, path in (("POST", f"{JOB}/cancel"), ("DELETE", JOB), ("DELETE", f"{JOB}/archive"), ("PUT", "/x")):
        answer = await befriended.ask(method, path, filled(headers, befriended))
        assert (answer.status, answer.json["HttpStatus"]) == (403, 403)
        assert "JOBINDEX_ORIGINS" in answer.json["Details"]
    assert orthanc.asked == []


@pytest.mark.parametrize("headers", OURS)
async def test_our_own_pages_friends_and_programs_may(
    befriended: Replica, orthanc: ScriptedOrthanc, headers: dict[str, str]
) -> None:
    orthanc.tell(f"{JOB}/cancel", b"{}", method="POST")
    assert (await befriended.ask("POST", f"{JOB}/cancel", filled(headers, befriended))).status == 200


@pytest.mark.parametrize("headers", FOREIGN)
async def test_reading_is_not_refused_and_not_shared(befriended: Replica, headers: dict[str, str]) -> None:
    answer = await befriended.get("/jobs", filled(headers, befriended))
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_a_stranger_learns_nothing_from_the_refusal(befriended: Replica) -> None:
    foreign = {"Origin": "https://evil.example"}
    told = [await befriended.ask("DELETE", path, foreign) for path in (JOB, f"/jobs/{job_id(9)}", "/nothing")]
    assert [each.status for each in told] == [403] * 3
    assert len({each.json["Details"] for each in told}) == 1


async def test_what_a_browser_asks_before_it_sends_is_not_allowed(befriended: Replica) -> None:
    asks = {"Origin": FRIEND, "Access-Control-Request-Method": "DELETE", **LOGIN}
    answer = await befriended.ask("OPTIONS", JOB, asks)
    assert answer.status == 405
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_reports_are_no_browser_s(befriended: Replica) -> None:
    assert (await befriended.report("a", job(2))).status == 200
