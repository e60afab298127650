"""Room is made in a Redis that has no memory left, by retention and by operators."""

from dataclasses import replace

from redis.asyncio import Redis

from jobindex.service.history import History
from jobindex.service.purge import Purge
from jobindex.service.timing import Timing
from jobindex.store import Store

from ...builders import job_id, known
from ..memory import full
from ..scripted_orthanc import ScriptedOrthanc
from ..words import job
from .services import PATIENT, services_on

DAY = 86_400.0
FAR = 200_000
"""Bytes over the limit: no answer that ends in the meantime makes room."""


async def test_true_state_a_full_redis_can_be_made_room_in(
    store: Store, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    async with services_on(store) as services:
        await services.say(
            "a", job(1, "Success", at=-9 * DAY), job(2, Content={"A": "b"}), job(3, "Success"), at=orthanc
        )
        await services.say_all("a", job(2), ids=(3,))
        async with full(redis, FAR):
            purge = Purge(store, Timing())
            assert await purge.reduce(await purge.too_full(lambda more: None)) == 3
            assert await purge.drop(await purge.named([job_id(3)])) == 1
            await History(store, services.view, replace(PATIENT, history=7 * DAY)).reap_due()
            assert await store.jobs.records([job_id(1)]) == {}
            assert (await known(store, 2)).record.state == "Running"
