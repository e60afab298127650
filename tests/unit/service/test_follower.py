"""The view follows the index, and what was seen doesn't vanish with Redis or with what was in it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.errors import IndexAway
from jobindex.model.node import ALIVE, STOPPED
from jobindex.model.query import Question
from jobindex.service.follower import Follower
from jobindex.service.snapshots import Snapshot, Snapshots
from jobindex.service.timing import Timing
from jobindex.store import Store, keys, opened
from jobindex.store.connect import Clients
from jobindex.store.jobs import Stored

from ...builders import job_id, known, registered, word
from ..waiting import until
from ..words import job, report
from .services import Services, following, idle_on, services_on

WAITS_FOR_NODES = Timing(beat=60.0, settling=0.0, patience=60.0)


async def put(services: Services, *words: tuple[int, str], at: float = 0) -> None:
    await services.store.jobs.put("a", "a1", [word(number, state, at) for number, state in words])


async def once_around(services: Services) -> None:
    """Wait until the follower has taken a whole step, in which it decides whether the view is full, from now on."""
    for _ in range(2):
        before = services.view.heard
        await until(lambda before=before: services.view.heard != before)


async def test_changes_are_shown_as_they_come(services: Services) -> None:
    await registered(services.store, "a")
    await put(services, (1, "Running"), (2, "Pending"))
    await services.show()
    assert (services.state(1), services.state(2)) == ("Running", "Pending")
    await put(services, (1, "Success"), at=1)
    await services.store.jobs.drop([(job_id(2), "")])
    await services.show()
    assert (services.state(1), services.state(2)) == ("Success", "")


async def test_states_of_nodes_are_shown(services: Services) -> None:
    await registered(services.store, "a")
    await services.show()
    assert services.view.nodes["a"].state == ALIVE
    await services.end("a", STOPPED, "a1")
    assert services.view.nodes["a"].state == STOPPED


async def test_a_new_replica_reads_all_that_there_is(services: Services) -> None:
    await registered(services.store, "a")
    await put(services, *((number, "Running") for number in range(250)))
    async with services_on(services.store) as second:
        assert len(second.view.jobs) == 250
        assert second.view.ids == sorted(second.view.jobs)


async def test_a_gap_in_the_change_log_makes_the_view_read_all_again(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    async with idle_on(store) as services:
        async with following(services):
            await put(services, (1, "Running"), (2, "Running"))
            await until(lambda: services.state(2) == "Running")
        await store.jobs.drop([(job_id(2), "")])
        await put(services, (1, "Success"), (3, "Running"), at=1)
        await redis.xtrim(keys.key(keys.CHANGES), maxlen=1, approximate=False)
        async with following(services):
            await services.show()
            assert [services.state(number) for number in (1, 2, 3)] == ["Success", "", "Running"]


async def test_nothing_vanishes_when_redis_is_emptied(services: Services, redis: Redis) -> None:
    await registered(services.store, "a", "b")
    await put(services, (1, "Running"), (2, "Success"))
    await services.store.jobs.miss("a", "a1", 0, word(2, at=5).record.stamp, [job_id(2)])
    await services.show()
    before, tag = dict(services.view.jobs), services.listing.answer(Question())[0]

    await redis.flushall()
    epoch = services.view.head.epoch

    def has_moved_on() -> bool:
        assert services.view.jobs.keys() >= before.keys()
        assert services.view.nodes.keys() >= {"a", "b"}
        return services.view.head.epoch != epoch

    await until(has_moved_on)
    await services.show()
    assert services.view.jobs == before
    assert (await known(services.store, 2)).record.mark == "history"
    assert set(await services.store.nodes.everything()) == {"a", "b"}
    assert services.listing.answer(Question())[0] != tag


async def test_nothing_vanishes_when_redis_is_emptied_again_meanwhile(
    services: Services, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(services.store, "a")
    await put(services, (1, "Running"), (2, "Success"))
    await services.show()
    before, restore, emptied = dict(services.view.jobs), services.store.jobs.restore, asyncio.Event()

    async def restore_in_vain(jobs: list[Stored]) -> int:
        count = await restore(jobs)
        if not emptied.is_set():
            emptied.set()
            await redis.flushall()
            await services.store.changes.begin()  # as whoever writes next would
        return count

    monkeypatch.setattr(services.store.jobs, "restore", restore_in_vain)
    await redis.flushall()
    await emptied.wait()
    epoch = services.view.head.epoch
    await until(lambda: services.view.head.epoch != epoch)
    assert services.view.jobs == before
    assert await services.store.jobs.count() == 2


async def test_where_redis_is_late_once_nothing_is_begun_anew(
    services: Services, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(services.store, "a")
    await put(services, (1, "Running"), (2, "Success"), (3, "Success"))
    await services.show()
    before, restore, epoch = dict(services.view.jobs), services.store.jobs.restore, services.view.head.epoch
    asked: list[tuple[str, bool]] = []

    async def late_once(jobs: list[Stored]) -> int:
        asked.append((jobs[0].id, services.view.connected))
        count = await restore(jobs)
        if len(asked) == 1:
            services.view.connected = False  # as who asked how far the index is found out too
            raise IndexAway("late")
        return count

    monkeypatch.setattr("jobindex.service.memory.PAUSES", (0.0,))
    monkeypatch.setattr("jobindex.service.memory.BATCH", 1)
    monkeypatch.setattr("jobindex.service.memory.AT_ONCE", 1)
    monkeypatch.setattr(services.store.jobs, "restore", late_once)
    await redis.flushall()
    await until(lambda: services.view.head.epoch != epoch)
    assert services.view.jobs == before
    assert asked == [(job_id(1), True), (job_id(1), False), (job_id(2), True), (job_id(3), True)]


async def test_a_restored_node_goes_on_as_if_nothing_had_been(services: Services, redis: Redis) -> None:
    await registered(services.store, "a")
    await services.show()
    epoch = services.view.head.epoch
    await redis.flushall()
    await until(lambda: services.view.head.epoch != epoch)
    assert await services.store.nodes.seen("a", "a1", 1000, complete=False, clock=0)  # asked for everything
    await put(services, (1, "Running"))


async def test_what_redis_has_newer_is_not_overwritten(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    async with idle_on(store) as services:
        async with following(services):
            await put(services, (1, "Running"), (2, "Running"), at=1)
            await services.show()
        await redis.flushall()
        await registered(store, "a")
        await put(services, (1, "Success"), at=2)
        await put(services, (2, "Pending"), at=0)
        async with following(services):
            await services.show()
            assert (services.state(1), services.state(2)) == ("Success", "Running")
    assert (await known(store, 2)).record.state == "Running"


async def test_two_replicas_that_lose_redis_together_end_with_the_same(services: Services, redis: Redis) -> None:
    await registered(services.store, "a")
    await put(services, (1, "Running"), (2, "Success"))
    async with services_on(services.store) as second:
        await redis.flushall()
        await until(lambda: services.view.head.epoch == second.view.head.epoch != "")
        for each in (services, second):
            await each.show()
        assert second.view.jobs == services.view.jobs
        assert set(second.view.jobs) == {job_id(1), job_id(2)}


async def test_a_new_epoch_is_shown_when_others_have_written_back_too(
    services: Services, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a job that one replica alone had seen before Redis lost it would come, go and come again."""
    reads: list[object] = []
    read = Snapshots.read

    async def noted(snapshots: Snapshots) -> Snapshot:
        reads.append(found := await read(snapshots))
        return found

    monkeypatch.setattr("jobindex.service.follower.GATHERING", 2.0)
    await registered(services.store, "a")
    await services.show()
    async with idle_on(services.store) as second:
        await second.view.replace({job_id(1): word(1, "Success")}, services.view.nodes)
        epoch = services.view.head.epoch
        monkeypatch.setattr(Snapshots, "read", noted)
        await redis.flushall()
        await until(lambda: bool(reads))
        for _ in range(200):  # so much later, in turns of the loop, the other one finds it
            await redis.ping()
        async with following(second):
            await until(lambda: services.view.head.epoch != epoch)
            assert services.state(1) == "Success"


async def test_a_replica_is_full_only_when_every_living_node_was_heard_in_this_epoch(store: Store) -> None:
    async with idle_on(store, WAITS_FOR_NODES) as services, following(services):
        await once_around(services)
        assert not services.view.full.is_set()  # nobody is known yet: somebody may come
        await registered(store, "a")
        await until(services.view.full.is_set)


async def test_a_node_that_has_not_yet_told_all_keeps_a_replica_from_being_full(store: Store, redis: Redis) -> None:
    await registered(store, "a", "b")
    await redis.set(keys.key(keys.EPOCH), "other 1 of-another-server")
    async with idle_on(store, WAITS_FOR_NODES) as services, following(services):
        await once_around(services)
        await store.nodes.seen("a", "a1", 60_000, complete=True, clock=0)
        await store.nodes.seen("b", "b1", 60_000, complete=False, clock=0)
        await services.show()
        await once_around(services)
        assert not services.view.full.is_set()
        await store.nodes.seen("b", "b1", 60_000, complete=True, clock=0)
        await until(services.view.full.is_set)


async def test_a_silent_node_does_not_keep_a_replica_from_being_full_for_ever(store: Store) -> None:
    await registered(store, "a")
    async with services_on(store, Timing(settling=60.0, patience=0.1)) as services:
        assert services.view.full.is_set()


async def test_while_redis_is_away_the_view_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.service.follower.PAUSE", 0.02)
    server = build_redis(tmp_path, free_port())
    await server.process.start()
    try:
        async with opened(server.url) as store, services_on(store) as services:
            await registered(store, "a")
            await put(services, (1, "Success"))
            await services.show()
            await server.process.stop()
            await until(lambda: not services.view.connected)
            assert services.state(1) == "Success"
            assert not await services.freshness.catch_up()
            await server.process.start()
            await services.show()
            assert services.state(1) == "Success"
            assert (await known(store, 1)).record.state == "Success"
    finally:
        await server.process.stop()


async def test_what_only_the_old_master_had_is_not_taken_for_deleted(
    store: Store, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover between the reading of the log and that of the job: once it was gone from every memory then."""
    monkeypatch.setattr("jobindex.service.follower.PAUSE", 0.02)
    monkeypatch.setattr("jobindex.store.changes.TAIL_BLOCK", 5.0)
    server = build_redis(tmp_path, free_port())
    await server.process.start()
    try:
        async with Redis.from_url(server.url) as successor, idle_on(store) as services:
            commands = Redis(connection_pool=redis.connection_pool)
            store = Store(Clients(commands, redis, redis))
            services.follower = Follower(store, services.view, services.recent, services.timing)
            async with following(services):
                await registered(store, "a")
                await put(services, (1, "Running"))
                await services.show()
                await until(lambda: is_waited_for(redis))
                commands.connection_pool = successor.connection_pool
                there = Store(Clients(commands, redis, redis))  # the old one keeps its connections
                store.changes, store.jobs, store.nodes = there.changes, there.jobs, there.nodes
                await put(services, (1, "Success"), at=1)
                epoch = services.view.head.epoch
                await until(lambda: services.state(1) == "" or services.view.head.epoch != epoch)
                assert services.state(1) == "Running"
    finally:
        await server.process.stop()


async def is_waited_for(redis: Redis) -> bool:
    """Whether a reader waits for the next change."""
    return bool((await redis.info("clients"))["blocked_clients"])


async def test_a_follower_that_is_cancelled_ends_whatever_it_is_doing(store: Store) -> None:
    async with idle_on(store) as services:
        for turns in range(200):
            async with asyncio.timeout(5), following(services):
                for _ in range(turns % 70):
                    await asyncio.sleep(0)


async def test_what_redis_acknowledged_and_lost_before_a_view_saw_it_is_written_back(
    store: Store, redis: Redis
) -> None:
    async with idle_on(store) as services:
        async with following(services):
            await services.say("node-1", job(1), Url="http://127.0.0.1:9")
        await services.intake.take("node-1", report(job(2, "Success"), job(3, "Success")), "127.0.0.1")
        services.recent.forget(job_id(3))
        await redis.flushall()
        async with following(services):
            await until(lambda: services.state(2) == "Success")
            assert services.state(3) == ""


async def test_what_this_replica_told_is_not_read_back(
    services: Services, index_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = services.store.jobs.fetch

    async def noted(ids: Sequence[str]) -> dict[str, Stored]:
        asked.extend(ids)
        return await fetch(ids)

    await services.say("node-1", job(1), Url="http://127.0.0.1:9")
    monkeypatch.setattr(services.store.jobs, "fetch", noted)
    await services.say("node-1", job(1, "Success", at=1), job(2))
    assert (services.state(1), services.state(2)) == ("Success", "Running")
    assert asked == []
    assert services.view.jobs == await fetch([job_id(1), job_id(2)])
    async with opened(index_url) as other, idle_on(other) as second:
        await second.intake.take("node-1", report(job(2, "Success", at=2)), "127.0.0.1")
    await services.show()
    assert (asked, services.state(2)) == ([job_id(2)], "Success")


async def test_of_two_words_in_one_report_the_newer_is_shown(services: Services) -> None:
    await services.say("node-1", job(1), Url="http://127.0.0.1:9")
    await services.say("node-1", job(1, "Success", at=2), job(1, "Paused", at=1))
    assert services.state(1) == "Success"


async def test_what_redis_passes_over_is_not_shown(services: Services) -> None:
    await services.say("node-1", job(1, "Success", at=2), Url="http://127.0.0.1:9")
    await services.say("node-1", job(1, "Running", at=1), job(2))
    assert (services.state(1), services.state(2)) == ("Success", "Running")


async def test_what_a_newer_version_told_of_a_job_is_not_lost_with_our_own_word(
    services: Services, redis: Redis
) -> None:
    await services.say("node-1", job(1), Url="http://127.0.0.1:9")
    line = (await known(services.store, 1)).record.line
    await redis.hset(keys.key(keys.OWNERS), job_id(1), line + " shelf=7")
    services.view.put(await known(services.store, 1))
    await services.say("node-1", job(1, "Success", at=1))
    assert services.view.jobs[job_id(1)] == await known(services.store, 1)
    assert services.view.jobs[job_id(1)].record.rest == "shelf=7"
