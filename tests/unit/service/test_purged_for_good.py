"""What an operator has taken out does not come back: whoever was paused meanwhile, however long ago it was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from redis.asyncio import Redis

from jobindex.service.purge import Purge
from jobindex.store import Store, keys
from jobindex.store.keys import key

from ...builders import job_id, registered, told, version, word
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import job
from .services import PATIENT, Services, following, idle_on, services_on

SHORT = replace(PATIENT, tombstone=0.02)
"""Ten minutes pass in an instant."""


@asynccontextmanager
async def paused_with(store: Store, *numbers: int) -> AsyncIterator[Services]:
    """A replica that knows these jobs and was stopped then."""
    async with idle_on(store) as paused:
        async with following(paused):
            await until(lambda: {job_id(number) for number in numbers} <= paused.view.jobs.keys())
        yield paused


async def purge(store: Store, *numbers: int) -> int:
    """Purge these jobs, and let the time of a tombstone pass."""
    at = Purge(store, SHORT)
    count = await at.drop(await at.named([job_id(number) for number in numbers]))
    began = await store.changes.now()

    async def is_over() -> bool:
        return await store.changes.now() > began + 50

    await until(is_over)
    await store.jobs.forget_tombstones(await store.changes.now())
    return count


async def end_epoch(redis: Redis) -> None:
    """As after a restart of Redis with what it had."""
    await redis.delete(key(keys.EPOCH))


async def shows_all(services: Services, *numbers: int) -> bool:
    await services.show()
    return services.view.jobs.keys() == {job_id(number) for number in numbers}


async def test_rights_a_purge_does_not_come_back_from_a_replica_that_was_paused(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await told(store, word(1, "Success"), word(2, "Success"))
    async with paused_with(store, 1, 2) as second:
        assert await purge(store, 1) == 1
        await end_epoch(redis)
        async with following(second):
            await until(lambda: shows_all(second, 2))
        assert set(await store.jobs.fetch([job_id(1), job_id(2)])) == {job_id(2)}


async def test_rights_nor_when_redis_was_emptied_meanwhile(services: Services, redis: Redis) -> None:
    """Of the purge only a replica knows that was there."""
    store = services.store
    await registered(store, "a")
    await told(store, word(1, "Success"), word(2, "Success"))
    async with paused_with(store, 1, 2) as second:
        await purge(store, 1)
        await services.show()
        await redis.flushall()
        await until(lambda: shows_all(services, 2))
        async with following(second):
            await until(lambda: shows_all(second, 2))
        assert set(await store.jobs.fetch([job_id(1), job_id(2)])) == {job_id(2)}


async def test_rights_nor_from_a_redis_that_had_not_been_told(services: Services, redis: Redis) -> None:
    """A new master, which lacks what the old one took last."""
    store = services.store
    await registered(store, "a")
    await told(store, word(1, "Success"), word(2, "Success"))
    before = {name: await redis.dump(name) for name in await redis.keys()}
    await services.show()
    await purge(store, 1)
    await services.show()
    async with redis.pipeline(transaction=True) as failover:
        failover.flushall()
        for name, value in before.items():
            failover.restore(name, 0 if b"beat" not in name else 60_000, value)
        failover.delete(key(keys.EPOCH))
        await failover.execute()
    await until(lambda: shows_all(services, 2))
    assert set(await store.jobs.fetch([job_id(1), job_id(2)])) == {job_id(2)}


async def test_rights_nor_by_the_orthanc_that_has_it_still(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Success"), job(2, "Success"), at=orthanc)
    await purge(services.store, 1)
    await services.say("a", job(1, "Success", at=1))
    answer = await services.say_all("a", job(2, "Success", at=2), ids=(1,))
    assert await shows_all(services, 2)
    assert answer.wanted == ()


async def test_rights_nor_by_its_next_run(services: Services, orthanc: ScriptedOrthanc) -> None:
    """With SaveJobs an Orthanc has the same jobs after a restart."""
    await services.say("a", job(1, "Success"), at=orthanc)
    await purge(services.store, 1)
    await services.say("a", at=orthanc, incarnation="b" * 32)
    await services.say_all("a", job(1, "Success", at=1), job(2, at=1), incarnation="b" * 32)
    assert await shows_all(services, 2)


async def test_rights_nor_by_a_report_that_a_paused_replica_was_taking(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with services_on(store) as services:
        await services.say("a", job(1, "Success"), at=orthanc)
        word_on_its_way = services.intake.reading("a", services.view.nodes["a"], job(1, "Success", at=1))
        await purge(store, 1)
        await services.intake.take_reading(word_on_its_way)
        assert await shows_all(services)


async def test_a_purge_is_told_once(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, "Success"), at=orthanc)
    await purge(services.store, 1)
    before = await version(services.store)
    assert await services.store.jobs.purge([job_id(1)], 60_000) == 0
    assert await version(services.store) == before
