"""Nodes in Redis: who may have an id, and what a heartbeat, a goodbye and an operator change."""

import asyncio

import orjson
import pytest
from redis.asyncio import Redis

from jobindex.errors import NodeConflict, UnknownNode
from jobindex.model.node import ALIVE, GONE, LATE, STOPPED, Node
from jobindex.store import Store

from ...builders import BEAT, job_id, node_record, registered, version, word

BEAT_OF_A = "{jobindex}:beat:a"


async def fetched(store: Store, node_id: str = "a") -> Node:
    node = await store.nodes.fetch(node_id)
    assert node is not None
    return node


async def test_a_node_that_registers_is_alive_and_due(store: Store, redis: Redis) -> None:
    await store.nodes.register("a", node_record(), BEAT)
    node = await fetched(store)
    assert (node.name, node.url, node.version, node.incarnation) == ("Orthanc", "http://10.0.0.1:8042", "1.10.1", "a1")
    assert (node.state, node.kind, node.complete) == (ALIVE, "plugin", "")
    assert abs(await store.changes.now() - node.seen) < BEAT
    assert await store.late.members() == ["a"]
    assert await redis.get(BEAT_OF_A) == b"a1"
    assert 0 < await redis.pttl(BEAT_OF_A) <= BEAT


async def test_a_restart_at_the_same_address_is_taken_at_once(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await store.nodes.seen("a", "a1", BEAT, complete=True, clock=4)
    await store.nodes.register("a", node_record("a2", "http://a:8042"), BEAT)
    node = await fetched(store)
    assert (node.incarnation, node.past, node.complete, node.clock) == ("a2", "a1", "", 0)
    assert await redis.get(BEAT_OF_A) == b"a2"


async def test_another_living_incarnation_keeps_its_id(store: Store) -> None:
    await registered(store, "a")
    with pytest.raises(NodeConflict, match="another living incarnation"):
        await store.nodes.register("a", node_record("a2", "http://elsewhere:8042"), BEAT)
    assert (await fetched(store)).incarnation == "a1"


async def test_the_id_of_a_silent_node_is_given_to_another_address(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await redis.delete(BEAT_OF_A)  # as if it had run out
    await store.nodes.register("a", node_record("a2", "http://elsewhere:8042"), BEAT)
    assert (await fetched(store)).url == "http://elsewhere:8042"


async def test_the_id_of_a_node_that_said_goodbye_is_free(store: Store) -> None:
    await registered(store, "a")
    await store.nodes.change_state("a", "a1", STOPPED, BEAT)
    await store.nodes.register("a", node_record("a2", "http://elsewhere:8042"), BEAT)
    assert (await fetched(store)).alive


async def test_a_replaced_incarnation_never_comes_back(store: Store) -> None:
    await registered(store, "a")
    for number in (2, 3, 4):
        await store.nodes.register("a", node_record(f"a{number}", "http://a:8042"), BEAT)
    assert (await fetched(store)).past == "a3 a2 a1"
    for number in (1, 2, 3):
        with pytest.raises(NodeConflict, match="replaced"):
            await store.nodes.register("a", node_record(f"a{number}", "http://a:8042"), BEAT)


async def test_an_incarnation_that_registers_again_keeps_what_is_known_of_it(store: Store) -> None:
    await registered(store, "a")
    before = await fetched(store)
    await store.nodes.register("a", node_record("a1", "http://moved:8042"), BEAT)
    after = await fetched(store)
    assert (after.url, after.past) == ("http://moved:8042", "")
    assert (after.complete, after.since) == (before.complete, before.since)


async def test_the_first_report_of_an_epoch_is_answered_with_a_wish_for_everything(store: Store, redis: Redis) -> None:
    await store.nodes.register("a", node_record(), BEAT)
    assert await store.nodes.seen("a", "a1", BEAT, complete=False, clock=0)
    assert not await store.nodes.seen("a", "a1", BEAT, complete=False, clock=0)
    await redis.delete("{jobindex}:epoch")
    assert await store.nodes.seen("a", "a1", BEAT, complete=False, clock=0)


async def test_a_report_costs_a_version_only_where_it_brings_news(store: Store) -> None:
    await registered(store, "a")
    before = await version(store)
    await store.nodes.seen("a", "a1", BEAT, complete=True, clock=0, offset=5)
    assert await version(store) == before
    await store.nodes.seen("a", "a1", BEAT, complete=True, clock=1)
    await store.nodes.change_state("a", "a1", LATE, BEAT)
    await store.nodes.seen("a", "a1", BEAT, complete=True, clock=1)
    assert await version(store) == before + 3
    assert (await fetched(store)).alive


async def test_a_complete_report_is_noted_with_its_epoch(store: Store) -> None:
    await store.nodes.register("a", node_record(), BEAT)
    await store.nodes.seen("a", "a1", BEAT, complete=False, clock=0)
    assert (await fetched(store)).complete == ""
    await store.nodes.seen("a", "a1", BEAT, complete=True, clock=0)
    head = await store.changes.head()
    assert head is not None
    assert (await fetched(store)).complete == head.epoch


async def test_who_is_not_registered_is_not_seen(store: Store) -> None:
    await registered(store, "a")
    for node_id, incarnation in (("a", "a2"), ("b", "b1")):
        with pytest.raises(UnknownNode):
            await store.nodes.seen(node_id, incarnation, BEAT, complete=False, clock=0)
        with pytest.raises(UnknownNode):
            await store.nodes.change_state(node_id, incarnation, STOPPED, BEAT)


async def test_a_state_is_written_once_and_ends_the_heartbeat(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    assert await store.nodes.change_state("a", "a1", STOPPED, BEAT)
    before = await version(store)
    assert not await store.nodes.change_state("a", "a1", STOPPED, BEAT)
    assert await version(store) == before
    assert (await fetched(store)).state == STOPPED
    assert not await redis.exists(BEAT_OF_A)


async def test_a_node_is_late_only_if_it_is_silent(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    assert not await store.nodes.change_state("a", "a1", LATE, BEAT, if_silent=True)
    await redis.delete(BEAT_OF_A)
    assert await store.nodes.change_state("a", "a1", LATE, BEAT, if_silent=True)
    assert (await fetched(store)).state == LATE


async def test_a_node_is_forgotten_when_it_is_away_and_has_no_job(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await store.nodes.keep_token("a", b"sealed", BEAT)
    await store.jobs.put("a", "a1", [word(1)])
    assert not await store.nodes.forget("a")
    await store.nodes.change_state("a", "a1", GONE, BEAT)
    assert not await store.nodes.forget("a")
    await store.jobs.drop([(job_id(1), "")])
    assert await store.nodes.forget("a")
    assert await store.nodes.everything() == {}
    assert (await store.nodes.token("a"), await store.late.members()) == (None, [])
    assert not await store.nodes.forget("a")


async def test_a_node_that_redis_lost_is_written_back_as_it_was(store: Store) -> None:
    await registered(store, "b")
    node = node_record().model_copy(update={"state": LATE, "seen": 5, "past": "a0"})
    assert await store.nodes.restore("a", node, BEAT)
    assert await fetched(store) == node
    assert sorted(await store.late.members()) == ["a", "b"]
    assert not await store.nodes.restore("a", node_record("a9"), BEAT)
    assert (await fetched(store)).incarnation == "a1"


async def test_what_a_newer_version_tells_of_a_node_is_kept_by_every_verb(store: Store, redis: Redis) -> None:
    async def rack() -> object:
        return (await fetched(store)).model_extra

    await registered(store, "a")
    record = orjson.loads(await redis.hget("{jobindex}:nodes", "a"))
    await redis.hset("{jobindex}:nodes", "a", orjson.dumps(record | {"rack": {"row": [7]}}))
    await store.nodes.seen("a", "a1", BEAT, complete=True, clock=0)
    await store.nodes.change_state("a", "a1", STOPPED, BEAT)
    await store.nodes.register("a", node_record("a2", "http://a:8042"), BEAT)
    assert await rack() == {"rack": {"row": [7]}}
    remembered = await fetched(store)
    await store.nodes.change_state("a", "a2", STOPPED, BEAT)
    assert await store.nodes.forget("a")
    await store.nodes.restore("a", remembered, BEAT)
    assert await rack() == {"rack": {"row": [7]}}


async def test_heartbeats_of_several_nodes(store: Store, redis: Redis) -> None:
    await registered(store, "a", "b")
    await redis.delete(BEAT_OF_A)
    assert await store.nodes.beating(["a", "b", "c"]) == {"b"}
    assert await store.nodes.beating([]) == set()


async def test_a_token_has_a_ttl(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await store.nodes.keep_token("a", b"\x00sealed", BEAT)
    assert await store.nodes.token("a") == b"\x00sealed"
    assert 0 < await redis.pttl("{jobindex}:token:a") <= BEAT


async def test_a_record_that_somebody_broke_is_passed_over(store: Store, redis: Redis) -> None:
    await registered(store, "a", "b")
    good = await redis.hget("{jobindex}:nodes", "a")
    await redis.hset("{jobindex}:nodes", "a", "gibberish")
    assert (await store.nodes.everything()).keys() == {"b"}
    assert await store.nodes.fetch("a") is None
    await redis.hset("{jobindex}:nodes", "a", good)


async def test_what_a_node_says_is_taken_in_and_noted_in_one_exchange(store: Store, redis: Redis) -> None:
    await store.nodes.register("a", node_record(), BEAT)
    words = [word(number, at=number) for number in range(150)]
    assert await store.nodes.say("a", "a1", BEAT, words, 0, 0) == ([], True)
    await redis.script_flush()
    assert await store.nodes.say("a", "a1", BEAT, words[:1], 0, 0) == ([], False)
    assert len(await store.jobs.of_node("a")) == 150
    assert await store.nodes.say("a", "a1", BEAT, [], 0, 0) == ([], False)


async def test_what_an_unknown_incarnation_says_is_refused_as_a_whole(store: Store) -> None:
    with pytest.raises(UnknownNode):
        await store.nodes.say("a", "a1", BEAT, [word(1)], 0, 0)
    assert await store.jobs.of_node("a") == []
    assert await store.nodes.fetch("a") is None


async def test_nodes_that_speak_at_the_same_moment_get_each_their_own_answer(store: Store, redis: Redis) -> None:
    for node in ("a", "b"):
        await store.nodes.register(node, node_record(f"{node}1"), BEAT)
    known = [
        store.nodes.say(node, f"{node}1", BEAT, [word(number, node=node)], 0, 0) for number, node in enumerate("ab")
    ]
    unknown = store.nodes.say("c", "c1", BEAT, [word(3, node="c")], 0, 0)
    first, refused, second = await asyncio.gather(known[0], unknown, known[1], return_exceptions=True)
    assert (first, second, type(refused)) == (([], True), ([], True), UnknownNode)
    stats = await redis.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] >= 6
    assert await store.jobs.of_node("b") == [job_id(1)]
