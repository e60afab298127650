"""The invariants: silent about a good keyspace, and each breach that is planted by hand is named."""

import orjson
import pytest
from redis.asyncio import Redis

from jobindex.model.login_attempt import Attempt
from jobindex.model.node import GONE
from jobindex.store import opened
from jobindex.store.invariants import breaches

from ...builders import BEAT, job_id, job_text, node_record, registered, stamp, word

P = "{jobindex}:"
RUNNING, FINISHED, DROPPED = job_id(1), job_id(2), job_id(3)
SECRET = job_text(1, Type="SomebodysOwn", Content={"Password": "x"})
NODE = orjson.loads(node_record().model_dump_json())


@pytest.fixture
async def good(redis: Redis, redis_url: str) -> Redis:
    """A keyspace with something under every key."""
    async with opened(redis_url) as store:
        await registered(store, "a", "b", "gone")
        await store.nodes.change_state("gone", "gone1", GONE, BEAT)
        await store.nodes.keep_token("a", b"sealed", BEAT)
        await store.nonces.spend("0f" * 16, BEAT)
        await store.logins.ask(Attempt("1f", "2f", "3f"), 5)
        await store.logins.settle(Attempt("4f", "2f", "3f"), accepted=True)
        await store.jobs.put("a", "a1", [word(1), word(2, "Success", 1), word(3)])
        await store.jobs.drop([(DROPPED, "")], tombstone=BEAT)
    return redis


async def test_a_good_keyspace_is_silent(good: Redis) -> None:
    assert await breaches(good) == []


async def test_sets_that_a_version_before_kept_are_gone_when_a_replica_begins(good: Redis, redis_url: str) -> None:
    await good.sadd(P + "state:Success", FINISHED, DROPPED)
    await good.sadd(P + "state:Failure", DROPPED)
    assert f"{P}state:Success has job {FINISHED} against its owner's line" in await breaches(good)
    async with opened(redis_url) as store:
        await store.changes.begin()
    assert await breaches(good) == []


async def test_nothing_is_a_good_keyspace(redis: Redis) -> None:
    assert await breaches(redis) == []


async def test_a_nonce_alone_is_a_good_keyspace(redis: Redis, redis_url: str) -> None:
    """A report was admitted that could not be read."""
    async with opened(redis_url) as store:
        await store.nonces.spend("0f" * 16, BEAT)
    assert await breaches(redis) == []


async def test_a_large_keyspace_is_walked_whole(good: Redis, redis_url: str) -> None:
    async with opened(redis_url) as store:
        await store.jobs.put("b", "b1", [word(number, node="b", incarnation="b1") for number in range(10, 3000)])
    assert await breaches(good) == []
    await good.hdel(P + "jobs", job_id(2999))
    assert await breaches(good) == [f"job {job_id(2999)} has an owner but no text"]


PLANTED = {
    "a key of nobody": (("SET", P + "weather", "fair"), "{jobindex}:weather is no key of the index"),
    "a key without the tag": (("SET", "jobs", "x"), "jobs is no key of the index"),
    "a wrong type": (("SET", P + "due:visit", "x"), "{jobindex}:due:visit is a string, not a zset"),
    "no TTL": (("PERSIST", P + "beat:a"), "{jobindex}:beat:a has no TTL"),
    "a token without a TTL": (("PERSIST", P + "token:a"), "{jobindex}:token:a has no TTL"),
    "a nonce without a TTL": (("PERSIST", P + "nonce:" + "0f" * 16), "{jobindex}:nonce:" + "0f" * 16 + " has no TTL"),
    "a TTL": (("EXPIRE", P + "jobs", 1000, "NX"), "{jobindex}:jobs has a TTL of "),
    "no epoch": (("DEL", P + "epoch"), "the epoch can't be read"),
    "half an epoch": (("SET", P + "epoch", "word 5"), "the epoch can't be read"),
    "no version": (("DEL", P + "version"), "the version is not there"),
    "a version ahead": (("INCR", P + "version"), "the change log ends with "),
    "no log": (("DEL", P + "changes"), "the change log ends with nothing"),
    "a gap in the log": (("XDEL", P + "changes", "3-0"), "the change log has 11 entries from 1-0 to 12-0"),
    "no owner": (("HDEL", P + "owners", RUNNING), f"job {RUNNING} has no owner"),
    "no text": (("HDEL", P + "jobs", RUNNING), f"job {RUNNING} has an owner but no text"),
    "a broken line": (("HSET", P + "owners", RUNNING, "a a1"), f"the owner's line of job {RUNNING} can't be read"),
    "no JSON": (("HSET", P + "jobs", RUNNING, "{"), f"the text of job {RUNNING} is no JSON object"),
    "no object": (("HSET", P + "jobs", RUNNING, "[]"), f"the text of job {RUNNING} is no JSON object"),
    "white space": (("HSET", P + "jobs", RUNNING, job_text(1) + b" "), f"the text of job {RUNNING} has white space"),
    "a secret": (("HSET", P + "jobs", RUNNING, SECRET), f"the text of job {RUNNING} has a secret"),
    "another's text": (("HSET", P + "jobs", RUNNING, job_text(9)), f"text of job {RUNNING} is that of job {job_id(9)}"),
    "another state": (
        ("HSET", P + "jobs", RUNNING, job_text(1, "Paused")), f"job {RUNNING} is Running, its text says Paused",
    ),
    "a state that is none": (
        ("HSET", P + "owners", RUNNING, f"a a1 0 {stamp(0)} Own3d held"), "Own3d is no state of a job",
    ),
    "a set that lacks": (("SREM", P + "state:Running", RUNNING), f"state:Running lacks job {RUNNING}"),
    "a set of finished jobs": (("SADD", P + "state:Success", FINISHED), f"state:Success has job {FINISHED} against"),
    "a set with more": (("SADD", P + "state:Paused", RUNNING), f"state:Paused has job {RUNNING} against"),
    "a node's set that lacks": (("SREM", P + "jobs:a", FINISHED), f"jobs:a lacks job {FINISHED}"),
    "a node's set with more": (("SADD", P + "jobs:b", FINISHED), f"jobs:b has job {FINISHED} against"),
    "finished that isn't listed": (("ZREM", P + "finished", FINISHED), f"finished lacks job {FINISHED}"),
    "finished that isn't final": (("ZADD", P + "finished", 1, RUNNING), f"finished has job {RUNNING} against"),
    "an owner without a record": (("HDEL", P + "nodes", "a"), "node a has unfinished jobs but no record"),
    "a broken node": (("HSET", P + "nodes", "b", "{}"), "the record of node b can't be read"),
    "a node's state that is none": (
        ("HSET", P + "nodes", "c", orjson.dumps(NODE | {"state": "Well"})), "node c is in no state that there is: Well",
    ),
    "a late node that isn't due": (
        ("HSET", P + "nodes", "c", orjson.dumps(NODE | {"state": "Late"})), "node c is Late and {jobindex}:due:late",
    ),
    "an alive node that isn't due": (("ZREM", P + "due:late", "b"), "node b is Alive and {jobindex}:due:late lacks it"),
    "a heartbeat of nobody": (("SET", P + "beat:c", "c1", "EX", 60), "a heartbeat of node c, which has no record"),
    "a heartbeat of another": (("SET", P + "beat:b", "b9", "EX", 60), "heartbeat of node b is another incarnation's"),
    "a tombstone of what is there": (
        ("ZADD", P + "deleted", 9e14, f"{RUNNING} a1"), f"job {RUNNING} is there, and so is its tombstone",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("command", "sentence"), PLANTED.values(), ids=PLANTED)
async def test_a_breach_is_named(good: Redis, command: tuple[str | bytes | float, ...], sentence: str) -> None:
    await good.execute_command(*command)
    found = await breaches(good)
    assert any(sentence in breach for breach in found), found


@pytest.mark.parametrize(
    "command",
    [
        ("ZADD", P + "deleted", 1, f"{RUNNING} a1"),
        ("ZADD", P + "deleted", 9e14, f"{RUNNING} a0"),
        ("ZREM", P + "due:late", "gone"),
        ("XTRIM", P + "changes", "MAXLEN", 3),
        ("DEL", P + "beat:a"),
    ],
    ids=["a tombstone that is over", "a tombstone of before", "a gone node", "a short log", "silence"],
)
async def test_what_is_no_breach(good: Redis, command: tuple[str | float, ...]) -> None:
    assert await good.execute_command(*command) != 0
    assert await breaches(good) == []
