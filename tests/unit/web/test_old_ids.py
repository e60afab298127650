"""Ids of jobs that are no more, asked for at once, as a page does that was open over night."""

import asyncio

import pytest

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from .replica import Replica

IDS = [job_id(number) for number in range(100, 200)]


async def statuses(replica: Replica, method: str, more: str = "", at_once: int = 8) -> list[int]:
    gate = asyncio.Semaphore(at_once)

    async def ask(each: str) -> int:
        async with gate:
            return (await replica.ask(method, f"/jobs/{each}{more}")).status

    return await asyncio.gather(*map(ask, IDS))


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [("GET", "", 404), ("DELETE", "", 404), ("GET", "/archive", 404), ("POST", "/cancel", 400)],
)
async def test_in_use_a_hundred_old_ids_at_once_get_orthanc_s_answer(
    replica: Replica, method: str, more: str, status: int
) -> None:
    assert await statuses(replica, method, more) == [status] * 100


async def test_in_use_ids_that_are_known_to_be_nobodys_cost_nobody_anything(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    assert await statuses(replica, "GET") == [404] * 100
    asked = len(orthanc.asked) + len(other.asked)
    for _ in range(5):
        assert await statuses(replica, "GET", at_once=100) == [404] * 100
    assert len(orthanc.asked) + len(other.asked) == asked
