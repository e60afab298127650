"""Nodes that don't report are read, in turn, by one replica at a time; what is read is a complete report."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault
from jobindex.errors import IndexAway
from jobindex.model.report import Registration
from jobindex.service.visits import Named
from jobindex.store import Store, keys

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, SYSTEM, ScriptedOrthanc, Told
from ..waiting import until
from ..words import job
from .services import PATIENT, Services, services_on

OFTEN = replace(PATIENT, visit=0.05, busy_visit=0.05)
TOKEN = AUTHORIZATION
TOLD = Registration(name="sample", http_port=8042)


def named(orthanc: ScriptedOrthanc, authorization: str = AUTHORIZATION) -> Named:
    return Named("n", orthanc.url, authorization)


def lists(orthanc: ScriptedOrthanc, *jobs: bytes) -> None:
    orthanc.tell("/jobs?expand", b"[" + b",\n".join(jobs) + b"]")


async def visited(services: Services, orthanc: ScriptedOrthanc, times: int = 1) -> None:
    """Visit whoever is due until the node was read so many times more."""
    goal = orthanc.count("GET", "/jobs?expand") + times

    async def read() -> bool:
        await services.visits.visit_due()
        return orthanc.count("GET", "/jobs?expand") >= goal

    await until(read)
    await services.show()


async def test_a_named_node_is_introduced_and_its_jobs_are_listed(store: Store, orthanc: ScriptedOrthanc) -> None:
    lists(orthanc, job(1), job(2, "Success"))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await visited(services, orthanc)
        node = services.view.nodes["n"]
        assert (node.name, node.version, node.kind, node.url) == ("scripted", "1.12.7", "named", orthanc.url)
        assert (services.state(1), services.state(2)) == ("Running", "Success")
        assert {asked.headers["Authorization"] for asked in orthanc.asked} == {AUTHORIZATION}
        assert node.complete == services.view.head.epoch


async def test_what_a_visited_node_no_longer_lists_is_judged_as_in_a_complete_report(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    lists(orthanc, job(1), job(2, "Success"), job(3))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await visited(services, orthanc)
        for later in (10, 20):
            lists(orthanc, job(3, at=later))
            await visited(services, orthanc)
        assert [services.state(number) for number in (1, 2, 3)] == ["Failure", "Success", "Running"]
        assert services.view.jobs[job_id(2)].record.mark == "history"


async def test_a_replica_that_can_take_nothing_in_yet_is_soon_there_again(
    store: Store, redis: Redis, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not keep the node from everybody for a whole lease."""

    async def away(*_: object, **__: object) -> None:
        raise IndexAway("Redis is away")

    lists(orthanc, job(1))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        with monkeypatch.context() as patch:
            patch.setattr("jobindex.service.intake.Intake.take", away)
            await services.visits.visit_due()
        assert orthanc.count("GET", "/jobs?expand") == 1
        due = await redis.zscore(keys.key(keys.DUE, "visit"), "n")
        assert due - await store.changes.now() < 1_000
        await visited(services, orthanc)
        assert services.state(1) == "Running"


async def test_many_jobs_are_taken_in_parts_and_none_is_missed(store: Store, orthanc: ScriptedOrthanc) -> None:
    lists(orthanc, *(job(number) for number in range(450)))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await visited(services, orthanc, 2)
        assert {services.state(number) for number in range(450)} == {"Running"}


async def test_a_node_where_something_runs_is_visited_more_often(
    store: Store, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    timing = replace(PATIENT, visit=60.0, busy_visit=0.05)
    lists(orthanc, job(1))
    async with services_on(store, timing, [named(orthanc)]) as services:
        await visited(services, orthanc, 3)
        lists(orthanc, job(1, "Success", at=1))
        await until(lambda: _visited_until(services, "Success"))
        count = orthanc.count("GET", "/jobs?expand")
        due = await redis.zscore(keys.key(keys.DUE, "visit"), "n")
        assert due - await store.changes.now() > 50_000
        await services.visits.visit_due()
        assert orthanc.count("GET", "/jobs?expand") == count


async def _visited_until(services: Services, state: str) -> bool:
    await services.visits.visit_due()
    await services.show()
    return services.state() == state


async def test_each_node_is_visited_by_one_replica_at_a_time(store: Store, orthanc: ScriptedOrthanc) -> None:
    timing = replace(PATIENT, visit=60.0)
    async with (
        services_on(store, timing, [named(orthanc)]) as one,
        services_on(store, timing, [named(orthanc)]) as two,
    ):
        for services in (one, two, one, two):
            await services.visits.visit_due()
        assert orthanc.count("GET", "/jobs?expand") == 1


@pytest.mark.parametrize(
    "answer",
    [Told(401), Told(500), Told(200, b"<html>"), Told(200, b"{}"), Told(200, b"[1]"), Told(302), Told(drops=True)],
)
async def test_a_node_that_can_not_be_read_is_not_heard_and_loses_nothing(
    store: Store, orthanc: ScriptedOrthanc, answer: Told
) -> None:
    lists(orthanc, job(1))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await visited(services, orthanc)
        before = (await store.nodes.everything())["n"].seen
        orthanc.tell_in_turn("/jobs?expand", [answer])
        orthanc.tell_in_turn("/jobs", [answer])
        await visited(services, orthanc, 3)
        assert (await store.nodes.everything())["n"].seen == before
        assert services.state() == "Running"


@pytest.mark.parametrize("answer", [Told(401), Told(200, b"hello"), Told(200, b"[]"), Told(503)])
async def test_who_does_not_say_what_it_is_is_not_introduced(
    store: Store, orthanc: ScriptedOrthanc, answer: Told
) -> None:
    orthanc.tell_in_turn("/system", [answer, Told(body=SYSTEM)])
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await services.visits.visit_due()
        await services.show()
        assert services.view.nodes == {}
        await visited(services, orthanc)
        assert set(services.view.nodes) == {"n"}


async def test_a_clock_that_was_set_back_does_not_stop_the_news(store: Store, orthanc: ScriptedOrthanc) -> None:
    lists(orthanc, job(1, "Running", at=0))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await visited(services, orthanc)
        lists(orthanc, job(1, "Success", at=-3600))
        await visited(services, orthanc, 2)
        assert services.state() == "Success"
        assert services.view.nodes["n"].clock == 1


async def test_a_token_is_kept_sealed_and_opens_its_node(services: Services, orthanc: ScriptedOrthanc) -> None:
    lists(orthanc, job(1))
    told = TOLD.model_copy(update={"url": orthanc.url})
    node = await services.visits.introduce("s", told, "127.0.0.1", TOKEN)
    sealed = await services.store.nodes.token("s")
    assert sealed is not None
    assert TOKEN.encode() not in sealed
    assert Vault(Keyring("x" * 16)).open("s", node.incarnation, sealed) == TOKEN
    assert TOKEN not in node.model_dump_json()
    await visited(services, orthanc)
    assert services.state() == "Running"


async def test_any_replica_can_visit_with_a_token_that_another_was_given(
    store: Store, services: Services, orthanc: ScriptedOrthanc
) -> None:
    lists(orthanc, job(1))
    await services.visits.introduce("s", TOLD.model_copy(update={"url": orthanc.url}), "127.0.0.1", TOKEN)
    async with services_on(store) as other:
        await visited(other, orthanc)
        assert other.state() == "Running"


async def test_another_token_is_another_incarnation(services: Services, orthanc: ScriptedOrthanc) -> None:
    told = TOLD.model_copy(update={"url": orthanc.url})
    first = await services.visits.introduce("s", told, "127.0.0.1", "Bearer old")
    same = await services.visits.introduce("s", told, "127.0.0.1", "Bearer old")
    second = await services.visits.introduce("s", told, "127.0.0.1", TOKEN)
    assert first.incarnation == same.incarnation != second.incarnation
    await visited(services, orthanc)
    assert {asked.headers["Authorization"] for asked in orthanc.asked} == {TOKEN}


async def test_a_token_that_can_not_be_opened_is_not_used(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.visits.introduce("s", TOLD.model_copy(update={"url": orthanc.url}), "127.0.0.1", TOKEN)
    await services.store.nodes.keep_token("s", Vault(Keyring("another secret..")).seal("s", "x", TOKEN), 60_000)
    await services.visits.visit_due()
    assert orthanc.asked == []


async def test_a_visited_node_may_say_goodbye(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.visits.introduce("s", TOLD.model_copy(update={"url": orthanc.url}), "127.0.0.1", TOKEN)
    await services.visits.say_goodbye("s")
    await services.visits.say_goodbye("nobody")
    await services.show()
    assert services.view.nodes["s"].state == "Stopped"


async def test_who_is_no_longer_known_is_no_longer_visited(services: Services) -> None:
    await services.store.visit.add("nobody")
    await services.visits.visit_due()
    assert await services.store.visit.members() == []


async def introduced(services: Services, orthanc: ScriptedOrthanc) -> None:
    told = Registration(name="sample", http_port=orthanc.port)
    await services.visits.introduce("s", told, "127.0.0.1", TOKEN)
    await services.show()


async def test_true_state_an_emptied_redis_learns_a_token_from_whoever_visited(
    store: Store, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    """The replica that was given it is not there any more."""
    lists(orthanc, job(1))
    async with services_on(store, OFTEN) as services:
        async with services_on(store, OFTEN) as first:
            await introduced(first, orthanc)
        await visited(services, orthanc)
        epoch = services.view.head.epoch
        await redis.flushall()
        await until(lambda: services.view.head.epoch != epoch and "s" in services.view.nodes)
        lists(orthanc, job(1, Progress=77, at=5))
        await visited(services, orthanc)
        assert services.shown()["Progress"] == 77
        assert await services.tokens.of("s", services.view.nodes["s"].incarnation) == TOKEN


async def test_true_state_a_token_that_redis_lost_is_kept_again_with_the_next_event(
    store: Store, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    async with services_on(store, OFTEN) as first, services_on(store, OFTEN) as second:
        await introduced(first, orthanc)
        await redis.delete(keys.key(keys.TOKEN, "s"))
        await introduced(second, orthanc)
        assert await second.tokens.of("s", second.view.nodes["s"].incarnation) == TOKEN


async def test_a_token_that_was_not_heard_of_for_long_is_not_kept_again(
    store: Store, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    async with services_on(store, OFTEN) as services:
        await introduced(services, orthanc)
        incarnation = services.view.nodes["s"].incarnation
        assert await services.tokens.of_visited("s", incarnation) == TOKEN
        await redis.delete(keys.key(keys.TOKEN, "s"))
        services.clock.pass_by(services.timing.gone + 1)
        assert await services.tokens.of_visited("s", incarnation) == ""
