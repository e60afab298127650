"""What an operator has taken out stays out: of the index, of every view, and of what views write back."""

from redis.asyncio import Redis

from jobindex.service.purge import Purge
from jobindex.service.timing import Timing
from jobindex.store import Store, keys

from ...builders import job_id, known, lose, registered, told, word
from ..waiting import until
from .services import Services, services_on

UID = "1.2.840.1"
PATIENT = "PATIENT-CANARY"


def purge(store: Store) -> Purge:
    return Purge(store, Timing())


def nothing(more: int) -> None:
    """Nobody looks at the progress."""


async def test_jobs_are_found_by_id_node_and_study(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, word(1, Content={"Study": UID}), word(2, Content={"Study": f"{UID}.2"}))
    await told(store, word(3, node="b", incarnation="b1", Content={"Resources": [UID]}))
    looked: list[int] = []
    at = purge(store)
    assert {job.id for job in await at.named([job_id(1), job_id(9)])} == {job_id(1)}
    assert {job.id for job in await at.of_node("a")} == {job_id(1), job_id(2)}
    assert {job.id for job in await at.of_study(UID, looked.append)} == {job_id(1), job_id(3)}
    assert sum(looked) == 3


async def test_what_a_living_orthanc_still_has_is_told(store: Store) -> None:
    await registered(store, "a", "b")
    await told(store, word(1, "Success"), word(2, "Success"))
    await told(store, word(3, node="b", incarnation="b1"))
    await store.jobs.miss("a", "a1", 0, word(2, at=5).record.stamp, [job_id(2)])
    await store.nodes.change_state("b", "b1", "Gone", 1000)
    at = purge(store)
    assert [job.id for job in await at.held([await known(store, number) for number in (1, 2, 3)])] == [job_id(1)]


async def test_a_purged_job_comes_back_neither_by_report_nor_by_a_view(services: Services, redis: Redis) -> None:
    await registered(services.store, "a")
    words = [word(1, "Success"), word(2, "Success")]
    await told(services.store, *words)
    services.recent.note(words)
    async with services_on(services.store) as second:
        second.recent.note(words)
        at = purge(services.store)
        assert await at.drop(await at.named([job_id(1)])) == 1
        await told(services.store, word(1, "Success", at=5))
        for each in (services, second):
            await each.show()
            assert set(each.view.jobs) == {job_id(2)}
        await redis.flushall()
        await until(lambda: services.view.head.epoch == second.view.head.epoch != "")
        for each in (services, second):
            await each.show()
            assert set(each.view.jobs) == {job_id(2)}
        assert set(await services.store.jobs.fetch([job_id(1), job_id(2)])) == {job_id(2)}


async def test_content_is_emptied_and_all_else_stays(services: Services, redis: Redis) -> None:
    await registered(services.store, "a")
    full = {"Content": {"PatientName": PATIENT}, "UserData": {"n": PATIENT}}
    await told(services.store, word(1, "Failure", ErrorDetails=PATIENT, **full), word(2, **full), word(3, Content={}))
    await lose(services.store, await known(services.store, 2))
    await services.show()
    before = await known(services.store, 1)
    at = purge(services.store)
    found = await at.too_full(nothing)
    assert await at.reduce(found) == 2 == len(found)
    await services.show()
    assert PATIENT.encode() not in b"".join((await redis.hgetall(keys.key(keys.JOBS))).values())
    assert PATIENT.encode() not in b"".join(job.text for job in services.view.jobs.values())
    after = services.shown(1)
    assert (after["Content"], after["UserData"], after["ErrorDetails"], after["State"]) == ({}, {}, "", "Failure")
    record = services.view.jobs[job_id(1)].record
    assert (record.order, record.state, record.mark) == (before.record.order, before.record.state, before.record.mark)
    assert await at.too_full(nothing) == []


async def test_a_job_with_newer_word_is_not_reduced_to_the_old(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, Content={"A": "1"}))
    at = purge(store)
    found = await at.too_full(nothing)
    await told(store, word(1, "Success", at=1))
    assert await at.reduce(found) == 0
    assert (await known(store, 1)).record.state == "Success"
