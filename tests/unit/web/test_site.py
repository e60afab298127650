"""What another site makes a browser send is refused before an Orthanc hears of it."""

import json
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
    {"Origin": "http://evil.example", "X-Forwarded-Host": "{host}"},
    {"Origin": "http://pacs.example.org:8080", "Host": "pacs.example.org"},
    {"Origin": "http://pacs.example.org", "Host": "pacs.example.org:8080"},
    {"Origin": "http://pacs.example.org:443", "Host": "pacs.example.org:8443"},
    {"Origin": "http://:80", "Host": ":80"},
    {"Origin": "http://{host}", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "none"},
    {"Origin": "https://pacs.example.org", "Host": "pacs.example.org", "Sec-Fetch-Site": "same-site"},
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


OURS_BEHIND_A_FRONT = [
    {"Origin": "https://pacs.example.org", "Host": "127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "https://pacs.example.org:8443", "Host": "pacs.example.org", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://pacs.example.org", "Host": "pacs.example.org:80"},
    {"Origin": "https://pacs.example.org", "Host": "pacs.example.org:443"},
    {"Origin": "https://pacs.example.org", "Host": "pacs.example.org:80"},
    {"Origin": "http://[2001:db8::1]", "Host": "[2001:db8::1]:80"},
    {"Origin": "http://PACS.example.org:8080", "Host": "backend", "X-Forwarded-Host": "pacs.example.org:8080"},
    {"Origin": "https://pacs.example.org", "Host": "backend", "X-Forwarded-Host": "pacs.example.org:443, front"},
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


@pytest.mark.parametrize("headers", OURS_BEHIND_A_FRONT)
async def test_in_use_our_own_pages_are_known_behind_a_front(
    befriended: Replica, orthanc: ScriptedOrthanc, headers: dict[str, str]
) -> None:
    orthanc.tell(f"{JOB}/cancel", b"{}", method="POST")
    assert (await befriended.ask("POST", f"{JOB}/cancel", filled(headers, befriended))).status == 200


async def test_in_use_only_a_trusted_proxy_tells_the_host(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url, proxies=["10.0.0.7/32"]) as replica:
        await replica.report("a", job(1), at=orthanc)
        await replica.knows_whom_to_ask()
        headers = {"Origin": "http://pacs.example.org", "Host": "backend", "X-Forwarded-Host": "pacs.example.org"}
        assert (await replica.ask("POST", f"{JOB}/cancel", filled(headers, replica))).status == 403


@pytest.mark.parametrize("fetch", [{}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_in_use_a_refusal_names_the_value_to_paste(
    redis_url: str, orthanc: ScriptedOrthanc, fetch: dict[str, str]
) -> None:
    headers = {"Origin": "http://pacs.example.org:8080", "Host": "backend", **fetch}
    async with replica_on(redis_url) as replica:
        await replica.report("a", job(1), at=orthanc)
        await replica.knows_whom_to_ask()
        details = (await replica.ask("POST", f"{JOB}/cancel", filled(headers, replica))).json["Details"]
    assert """JOBINDEX_ORIGINS='["http://pacs.example.org:8080"]'""" in details
    named = details.partition("JOBINDEX_ORIGINS='")[2].partition("'")[0]
    async with replica_on(redis_url, origins=json.loads(named)) as replica:
        await replica.report("a", job(1), at=orthanc)
        await replica.knows_whom_to_ask()
        orthanc.tell(f"{JOB}/cancel", b"{}", method="POST")
        assert (await replica.ask("POST", f"{JOB}/cancel", filled(headers, replica))).status == 200


@pytest.mark.parametrize(
    "origin", ["http://a'b", "http://a/b", "http://" + "a" * 300, "http://ä", "http://a b", "null"]
)
async def test_what_is_no_origin_is_not_repeated(befriended: Replica, origin: str) -> None:
    details = (await befriended.ask("POST", f"{JOB}/cancel", filled({"Origin": origin}, befriended))).json["Details"]
    assert "JOBINDEX_ORIGINS" in details
    assert origin not in details


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
