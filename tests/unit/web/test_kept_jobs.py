"""How many finished jobs are kept: those that an Orthanc still holds are not among them."""

from dataclasses import replace

import pytest

from jobindex.service.timing import Timing

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

DAY = 86_400.0
KEEPS_THREE = replace(Timing(beat=60.0, settling=0.0, patience=0.0), most_history=3)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retention is looked after all the time."""
    monkeypatch.setattr("jobindex.wiring.chores.REAP_EVERY", 0.2)
    monkeypatch.setattr("jobindex.service.history.EVERY", 0.05)


async def reaped(replica: Replica, number: int) -> bool:
    """Whether retention has been looked after since this old job came."""
    return job_id(number) not in (await replica.get("/jobs")).json


async def forgotten_by(replica: Replica, node: str, at: ScriptedOrthanc, *jobs: bytes) -> None:
    """Finished jobs that their Orthanc has no more."""
    await replica.report(node, *jobs, at=at)
    assert (await replica.report(node, Ids=[], Complete=True)).status == 200


async def test_rights_a_long_history_in_one_orthanc_does_not_empty_the_others(
    index_url: str, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with replica_on(index_url, KEEPS_THREE) as replica:
        await replica.report("a", *(job(number, "Success", at=-DAY) for number in range(10, 60)), at=orthanc)
        await forgotten_by(
            replica,
            "b",
            other,
            job(1, "Success", at=-3 * DAY),
            job(2, "Failure", at=-2 * DAY),
            job(9, "Success", at=-8 * DAY),
        )
        await until(lambda: reaped(replica, 9))
        assert {job_id(1), job_id(2)} <= set((await replica.get("/jobs")).json)


async def test_rights_of_what_only_the_index_has_the_oldest_go(
    index_url: str, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """Held jobs leave neither more nor less room."""
    async with replica_on(index_url, KEEPS_THREE) as replica:
        await replica.report("a", *(job(number, "Success", at=-6 * DAY) for number in range(10, 15)), at=orthanc)
        history = [job(number, "Success", at=-number * DAY) for number in range(1, 6)]
        await forgotten_by(replica, "b", other, *history)
        await until(lambda: reaped(replica, 4))
        held = {job_id(number) for number in range(10, 15)}
        assert set((await replica.get("/jobs")).json) == {job_id(1), job_id(2), job_id(3)} | held
