"""Guesses at a password are held up before an Orthanc hears of them; whoever knows one is not."""

import asyncio
from functools import partial

import aiohttp
import pytest
from redis.asyncio import Redis

from jobindex.cli.doctor.asking import Heard
from jobindex.cli.doctor.replicas import readiness
from jobindex.errors import IndexAway
from jobindex.model.finding import PROBLEM
from jobindex.settings import Settings

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, Reply, replica_on, settings

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


async def test_rights_nobody_is_a_proxy_unless_the_settings_say_so(
    redis_url: str, orthanc: ScriptedOrthanc, caplog: pytest.LogCaptureFixture
) -> None:
    """Else whoever reaches the port guesses without limit.  It is counted, logged once, and the doctor names it."""
    usual = settings(redis_url)
    as_shipped = usual.model_dump(exclude={"proxies", "redis_url"}, exclude_unset=True)
    async with replica_on(redis_url, **{**as_shipped, "proxies": Settings.model_fields["proxies"].default}) as replica:
        await replica.report("a", at=orthanc)
        await replica.knows_whom_to_ask()
        before = await counted(replica)
        claims = [{**guess(number), "X-Forwarded-For": f"10.9.8.{number}"} for number in range(12)]
        told = [(await replica.get("/jobs", each)).status for each in claims]
        assert told.count(429) == 7
        lines = [each.message for each in caplog.records if "JOBINDEX_PROXIES" in each.message]
        assert len(lines) == 1
        assert """JOBINDEX_PROXIES='["127.0.0.1/32"]'""" in lines[0]
        assert await counted(replica) - before == 12
        heard = await replica.ask_inside("GET", "/-/ready")
        problems = [each for each in readiness("u", Heard(heard.status, {}, heard.body)) if each.level == PROBLEM]
        assert [each.mend for each in problems] == [
            """if it is a proxy of yours: JOBINDEX_PROXIES='["127.0.0.1/32"]'"""
        ]


async def counted(replica: Replica) -> float:
    """Of this process, for all replicas in it."""
    lines = (await replica.ask_inside("GET", "/metrics")).body.decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("jobindex_untrusted_forwarding_total"))


@pytest.mark.parametrize("header", ["Forwarded", "X-Real-IP", "X-Forwarded-Host"])
async def test_rights_other_forwarding_headers_of_strangers_are_noticed_too(
    redis_url: str, orthanc: ScriptedOrthanc, caplog: pytest.LogCaptureFixture, header: str
) -> None:
    async with replica_on(redis_url, proxies=["10.0.0.7/32"]) as replica:
        await replica.report("a", at=orthanc)
        await replica.knows_whom_to_ask()
        await replica.get("/jobs", {**LOGIN, header: "x"})
    assert """JOBINDEX_PROXIES='["10.0.0.7/32", "127.0.0.1/32"]'""" in caplog.text


async def test_without_credentials_nothing_is_guessed(replica: Replica) -> None:
    assert {(await replica.get("/jobs", {})).status for _ in range(20)} == {401}
    assert (await replica.get("/jobs")).status == 200


async def test_the_limit_can_be_taken_off(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url, failed_logins=0) as replica:
        await replica.report("a", at=orthanc)
        await replica.knows_whom_to_ask()
        assert {each.status for each in await guesses(replica, 20)} == {401}


async def test_many_guesses_at_once_are_few_for_an_orthanc(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    told = await asyncio.gather(*(replica.get("/jobs", guess(number)) for number in range(300)))
    assert {each.status for each in told} <= {401, 429, 503}
    assert wrong(orthanc, other) <= 6


def token(number: object) -> dict[str, str]:
    return {"Authorization": f"Bearer stale-{number}"}


async def test_in_use_stale_tokens_hold_up_no_colleague_behind_the_same_address(replica: Replica) -> None:
    """Five forgotten tabs, each with a token of its own."""
    for _ in range(4):
        for tab in range(5):
            assert (await replica.get("/jobs", token(tab))).status == 401
    assert (await replica.get("/jobs")).status == 200


async def test_in_use_guesses_at_one_user_name_hold_up_no_other_name(
    replica: Replica, orthanc: ScriptedOrthanc
) -> None:
    """Also of those who come new."""
    assert (await guesses(replica, 12))[-1].status == 429
    colleague = str(aiohttp.encode_basic_auth("colleague", "right"))
    orthanc.takes.add(colleague)
    assert (await replica.get("/jobs", {"Authorization": colleague, "X-Forwarded-For": "10.9.8.7"})).status == 200


async def test_in_use_guesses_are_counted_over_all_replicas(
    redis_url: str, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with replica_on(redis_url) as first, replica_on(redis_url) as second:
        await first.report("a", at=orthanc)
        for replica in (first, second):
            await replica.knows_whom_to_ask()
        told = [(await (first, second)[number % 2].get("/jobs", guess(number))).status for number in range(20)]
        assert wrong(orthanc, other) <= 6
        assert told.count(429) > 0


async def test_in_use_whom_any_replica_let_in_is_held_up_by_none(redis_url: str, orthanc: ScriptedOrthanc) -> None:
    """Also where others guess at the same user name, before it came to this replica."""
    async with replica_on(redis_url) as first, replica_on(redis_url) as second:
        await first.report("a", at=orthanc)
        for replica in (first, second):
            await until(partial(may_be_asked, replica))
        assert (await first.get("/jobs")).status == 200
        assert [(await second.get("/jobs", guess(number))).status for number in range(7)][-1] == 429
        assert (await second.get("/jobs")).status == 200


async def may_be_asked(replica: Replica) -> bool:
    """Whether it knows a node, without anybody logging in."""
    return (await replica.get("/jobs", {})).status == 401


async def test_in_use_no_password_gets_into_redis(replica: Replica, redis: Redis) -> None:
    await replica.get("/jobs")
    await guesses(replica, 7, "10.9.8.7")
    for name in [name async for name in redis.scan_iter("*login:*")] + [
        name async for name in redis.scan_iter("*acc*")
    ]:
        text = name + (await redis.get(name) or b"")
        assert not any(word in text for word in (b"demo", b"guess", b"10.9.8.7", AUTHORIZATION[6:].encode()))
        assert 0 < await redis.pttl(name) <= 13 * 3_600_000


async def test_in_use_many_requests_at_once_of_one_who_is_new_are_no_guesses(
    replica: Replica, orthanc: ScriptedOrthanc
) -> None:
    """As a page sends them when it is opened."""
    assert {each.status for each in await asyncio.gather(*(replica.get("/jobs") for _ in range(30)))} == {200}
    assert {each.status for each in await asyncio.gather(*(replica.get("/jobs", guess(1)) for _ in range(30)))} <= {
        401,
        429,
    }


async def test_in_use_while_redis_is_away_guesses_are_counted_here(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> float:
        raise IndexAway("away")

    for name in ("ask", "settle", "was_accepted"):
        monkeypatch.setattr(f"jobindex.store.logins.LoginAttempts.{name}", away)
    assert [each.status for each in await guesses(replica, 12)] == [401] * 5 + [429] * 7
    assert wrong(orthanc, other) == 5
    assert (await replica.get("/jobs")).status == 200
    assert (await replica.get("/jobs", token(1))).status == 401
