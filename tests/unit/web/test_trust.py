"""A proxy in front has decided: who comes through it is let in, and nodes are asked with the token that they gave."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from redis.asyncio import Redis

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import NEXT_INCARNATION, job
from .replica import Replica, replica_on

ANN = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "doctors"}
TRUST = {"callers": "trust", "proxies": ["127.0.0.2/32"]}
PATH = f"/jobs/{job_id(1)}"
TOKEN = AUTHORIZATION
"""What the scripted Orthancs take."""


@asynccontextmanager
async def proxied(replica: Replica) -> AsyncIterator[Replica]:
    """The same replica, as the proxy reaches it: from its own address."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as session:
        through = Replica(0, 0, session)
        through.public, through.internal = replica.public, replica.internal
        yield through


@pytest.fixture
async def direct(redis_url: str) -> AsyncIterator[Replica]:
    async with replica_on(redis_url, **TRUST) as replica:
        yield replica


@pytest.fixture
async def proxy(direct: Replica) -> AsyncIterator[Replica]:
    async with proxied(direct) as proxy:
        yield proxy


async def introduce(replica: Replica, node: str, at: ScriptedOrthanc, token: str = TOKEN, **more: str) -> None:
    """A node registers, with its token."""
    told = {"Name": "orthanc", "Url": at.url, "HttpPort": 8042, "Version": "1.12.7", "Token": token}
    assert (await replica.report(node, Register=told, **more)).status == 200


@pytest.fixture
async def cluster(proxy: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Replica:
    """Node a shares its token and runs job 1; node b does not, and runs job 2."""
    await introduce(proxy, "a", orthanc)
    await proxy.report("a", job(1))
    await proxy.report("b", job(2), at=other)
    orthanc.tell_job(job_id(1), job(1, "Success", at=1))
    await until(lambda: lists(proxy, job_id(1), job_id(2)))
    return proxy


async def lists(replica: Replica, *ids: str) -> bool:
    return bool((await replica.get("/jobs", ANN)).json == list(ids))


async def test_who_comes_through_the_proxy_lists_without_any_node_being_asked(
    proxy: Replica, cluster: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    answer = await proxy.get("/jobs?expand", ANN)
    assert [each["JobIndex"]["Node"] for each in answer.json] == ["a", "b"]
    assert (await proxy.get("/job-index/nodes", ANN)).status == 200
    assert orthanc.asked == other.asked == []


async def test_a_list_needs_nobody_to_ask(proxy: Replica) -> None:
    assert (await proxy.get("/jobs", ANN)).json == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs"),
        ("GET", PATH),
        ("POST", f"{PATH}/cancel"),
        ("DELETE", PATH),
        ("GET", f"{PATH}/archive"),
        ("GET", f"/jobs/{job_id(9)}"),
        ("GET", "/job-index/nodes"),
        ("POST", "/job-index/nodes/b/give-up"),
        ("GET", "/nothing"),
        ("PUT", "/jobs"),
        ("HEAD", "/"),
    ],
)
async def test_everybody_else_is_refused_at_once(
    direct: Replica, cluster: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, method: str, path: str
) -> None:
    for headers in (ANN, LOGIN, {**ANN, **LOGIN, "X-Forwarded-For": "127.0.0.2"}):
        answer = await direct.ask(method, path, headers)
        assert (answer.status, answer.headers.get("WWW-Authenticate")) == (403, None)
        assert method == "HEAD" or answer.json["Details"] == "Clients are let in by the proxy in front only"
    assert orthanc.asked == other.asked == []


@pytest.mark.parametrize("headers", [{}, LOGIN, {"X-Forwarded-User": ""}, {"X-Forwarded-Groups": "admins"}])
async def test_a_proxy_that_names_nobody_has_let_nobody_in(
    proxy: Replica, cluster: Replica, orthanc: ScriptedOrthanc, headers: Mapping[str, str]
) -> None:
    for path in ("/jobs", PATH, "/nothing"):
        answer = await proxy.get(path, headers)
        assert (answer.status, "X-Forwarded-User" in answer.json["Details"]) == (403, True)
    assert orthanc.asked == []


async def test_the_owner_is_asked_with_its_token_and_nothing_of_the_caller_s(
    proxy: Replica, cluster: Replica, orthanc: ScriptedOrthanc
) -> None:
    orthanc.tell(f"{PATH}/cancel", b"{}", method="POST")
    orthanc.tell(f"{PATH}/archive", b"zip")
    told = {**ANN, "Authorization": "Basic of the caller", "Cookie": "session=1"}
    assert (await proxy.get(PATH, told)).json["State"] == "Success"
    assert (await proxy.ask("POST", f"{PATH}/cancel", told)).status == 200
    assert (await proxy.get(f"{PATH}/archive", told)).body == b"zip"
    assert {each.headers["Authorization"] for each in orthanc.asked} == {TOKEN}
    sent = {name.lower() for each in orthanc.asked for name in each.headers}
    assert sent <= {"host", "authorization", "content-length", "connection"}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_what_a_node_without_a_token_needs_is_said(
    proxy: Replica, cluster: Replica, other: ScriptedOrthanc, method: str
) -> None:
    path = f"/jobs/{job_id(2)}" + ("/cancel" if method == "POST" else "")
    answer = await proxy.ask(method, path, ANN)
    assert (answer.status, "ShareToken" in answer.json["Details"]) == (500, True)
    assert (await proxy.get(f"/jobs/{job_id(2)}", ANN)).json["State"] == "Running"
    assert other.asked == []


async def test_a_token_that_is_taken_no_more_is_no_challenge_and_mends_itself(
    proxy: Replica, orthanc: ScriptedOrthanc
) -> None:
    """Orthanc was started again, and its new incarnation has not registered yet."""
    await introduce(proxy, "a", orthanc, "Bearer of the last run")
    await proxy.report("a", job(1))
    await until(lambda: lists(proxy, job_id(1)))
    for method, path in (("POST", f"{PATH}/cancel"), ("DELETE", PATH), ("GET", f"{PATH}/archive")):
        answer = await proxy.ask(method, path, ANN)
        status = 503 if method == "GET" else 500
        assert (answer.status, answer.headers.get("WWW-Authenticate")) == (status, None)
        assert ("Retry-After" in answer.headers) == (method == "GET")
    assert (await proxy.get(PATH, ANN)).status == 200
    await introduce(proxy, "a", orthanc, incarnation=NEXT_INCARNATION)
    await proxy.report("a", job(1), incarnation=NEXT_INCARNATION)
    orthanc.tell(f"{PATH}/cancel", b"{}", method="POST")

    async def acts() -> bool:
        return (await proxy.ask("POST", f"{PATH}/cancel", ANN)).status == 200

    await until(acts)


async def test_a_token_that_redis_lost_is_given_again(cluster: Replica, redis: Redis) -> None:
    complete = {"Ids": [job_id(1)], "Complete": True}
    assert (await cluster.report("a", **complete)).json["Register"] is False
    await redis.delete("{jobindex}:token:a")
    assert (await cluster.report("a", **complete)).json["Register"] is True
    assert (await cluster.report("b", Ids=[job_id(2)], Complete=True)).json["Register"] is False


async def test_any_replica_can_ask_with_a_token_that_another_was_given(
    cluster: Replica, orthanc: ScriptedOrthanc, redis_url: str
) -> None:
    orthanc.tell(f"{PATH}/archive", b"zip")
    async with replica_on(redis_url, **TRUST) as second, proxied(second) as proxy:
        assert (await proxy.get(f"{PATH}/archive", ANN)).body == b"zip"


async def everything(redis: Redis) -> bytes:
    """All that Redis holds, as it would be written to a file, but not packed."""
    await redis.config_set("rdbcompression", "no")
    return b"".join([await redis.dump(key) or b"" for key in await redis.keys("*")])


@pytest.mark.parametrize("callers", ["orthanc", "trust"])
async def test_a_token_is_nowhere_in_clear(
    redis_url: str, redis: Redis, orthanc: ScriptedOrthanc, caplog: pytest.LogCaptureFixture, callers: str
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {**TRUST, "callers": callers, "proxies": ["127.0.0.0/8"]}
    hidden = "Bearer 0a1b2c3d-canary"
    async with replica_on(redis_url, **settings) as replica:
        await introduce(replica, "a", orthanc, hidden)
        await replica.report("a", job(1))
        bad = {"Name": "orthanc", "Url": "ftp://a", "Token": hidden}
        refused = await replica.report("b", Register=bad)
        answers = [await replica.get(path, {**ANN, **LOGIN}) for path in ("/jobs?expand", "/job-index/nodes", PATH)]
        answers += [refused, await replica.ask_inside("GET", "/metrics"), await replica.ask_inside("GET", "/-/ready")]
    assert b"canary" not in b"".join(answer.body for answer in answers)
    assert "canary" not in caplog.text
    assert b"canary" not in await everything(redis)
    assert await redis.exists("{jobindex}:token:a") == (callers == "trust")


async def test_where_orthanc_decides_a_token_that_is_offered_is_dropped(
    replica: Replica, redis: Redis, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await introduce(replica, "a", orthanc)
    for _ in range(2):
        answer = await replica.report("a", Ids=[], Complete=True)
        assert answer.json["Register"] is False
    assert await redis.keys("*token*") == []
    assert (await replica.get("/jobs", {})).status == 401
    assert {each.headers.get("Authorization") for each in orthanc.asked + other.asked} == {None}
