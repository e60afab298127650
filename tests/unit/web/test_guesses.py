"""Guesses at a password are held up before an Orthanc hears of them; whoever knows one is not."""

import asyncio

import aiohttp
import pytest

from jobindex.auth import logins

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, LOGIN, ScriptedOrthanc
from ..words import job
from .replica import Replica, Reply, replica_on

JOB = f"/jobs/{job_id(1)}"


def guess(number: int) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth("demo", f"guess {number}")}


def wrong(*orthancs: ScriptedOrthanc) -> int:
    """How many wrong passwords these Orthancs have seen."""
    seen = {each.headers.get("Authorization") for orthanc in orthancs for each in orthanc.asked}
    return len(seen - {None, AUTHORIZATION})


async def guesses(replica: Replica, most: int, address: str = "10.9.8.7") -> list[Reply]:
    """At the list, a job, an action and an output in turn, from one address."""
    asked = [("GET", "/jobs"), ("GET", JOB), ("POST", f"{JOB}/cancel"), ("GET", f"{JOB}/archive")]
    return [
        await replica.ask(*asked[number % 4], {**guess(number), "X-Forwarded-For": address}) for number in range(most)
    ]


async def test_after_five_guesses_no_orthanc_is_asked(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await replica.report("a", job(1, "Success"))
    told = await guesses(replica, 100)
    assert [each.status for each in told] == [401] * 5 + [429] * 95
    assert 0 < int(told[-1].headers["Retry-After"]) <= 60
    assert told[-1].json["HttpStatus"] == 429
    assert wrong(orthanc, other) == 5


async def test_who_has_a_good_password_goes_on_behind_the_same_address(replica: Replica) -> None:
    here = {"X-Forwarded-For": "10.9.8.7"}
    assert (await replica.get("/jobs", {**LOGIN, **here})).status == 200
    assert (await guesses(replica, 7))[-1].status == 429
    assert (await replica.get("/jobs", {**LOGIN, **here})).status == 200
    assert (await replica.get("/jobs", here)).status == 401


async def test_other_addresses_are_not_held_up(replica: Replica) -> None:
    assert (await guesses(replica, 7))[-1].status == 429
    assert (await replica.get("/jobs", {**LOGIN, "X-Forwarded-For": "10.9.8.6"})).status == 200


async def test_an_address_that_no_proxy_wrote_is_not_believed(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url, proxies=[]) as replica:
        await replica.report("a", at=orthanc)
        await replica.knows_whom_to_ask()
        told = [(await guesses(replica, 1, f"10.9.8.{number}"))[0].status for number in range(3)]
        told += [each.status for each in await guesses(replica, 6)]
        assert told.count(429) > 0


async def test_without_credentials_nothing_is_guessed(replica: Replica) -> None:
    assert {(await replica.get("/jobs", {})).status for _ in range(20)} == {401}
    assert (await replica.get("/jobs")).status == 200


async def test_the_limit_can_be_taken_off(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url, failed_logins=0) as replica:
        await replica.report("a", at=orthanc)
        await replica.knows_whom_to_ask()
        assert {each.status for each in await guesses(replica, 20)} == {401}


async def test_many_guesses_at_once_are_few_for_an_orthanc(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "TRY_LASTS", 60.0)
    told = await asyncio.gather(*(replica.get("/jobs", guess(number)) for number in range(300)))
    assert {each.status for each in told} <= {401, 429, 503}
    assert wrong(orthanc, other) <= logins.AT_ONCE + 5
