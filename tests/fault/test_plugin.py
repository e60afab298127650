"""Cases D: the plugin, when the index is in a bad way."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from jobindex.demo.fault_proxy import FaultProxy

from .checker import p99, slowed
from .figures import note
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

HOLE = 8.0  # seconds
JOBS = 100
LONGEST = 0.5  # seconds for an answer of an Orthanc itself: none waits for the index


async def test_d1_an_index_that_swallows_everything_hinders_no_orthanc_and_hears_all_in_the_end(usual: Stage) -> None:
    """A hundred jobs, of which the Orthanc itself remembers ten."""
    await usual.everywhere(1)
    async with usual.nemesis.cut(FaultProxy.drop, source=("orthanc-a",)):
        began = time.monotonic()
        ids = await usual.archive("orthanc-a", JOBS)
        slowest = max(call.ended - call.began for call in usual.history.of("submit")[-JOBS:])
        await asyncio.sleep(HOLE - (time.monotonic() - began))
    healed = time.monotonic()
    for replica in usual.replicas:
        await usual.listed(replica, ids, "Success")
    took = time.monotonic() - healed
    note("index black-holed", f"{JOBS} jobs, none slower than {slowest:.2f} s, all listed {took:.1f} s after")
    assert slowest < LONGEST
    await usual.check()


@pytest.mark.fault_long
async def test_d1_an_orthanc_answers_as_fast_as_ever_while_the_index_swallows_everything(usual: Stage) -> None:
    """What its clients see of it: the same hundred jobs with and without an index."""
    usually = await answering(usual)
    async with usual.nemesis.cut(FaultProxy.drop, source=("orthanc-a",)):
        meanwhile = await answering(usual)
    note("Orthanc's p99 with a black-holed index", f"{p99(meanwhile) / p99(usually):.2f} of the usual")
    assert [*slowed(usually, meanwhile, by=2)] == [], "twice is far beyond what the machine makes of it by chance"
    await usual.check()


async def answering(stage: Stage) -> list[float]:
    """Seconds that an Orthanc took for each of many answers while it had jobs to do."""
    took = []
    for _ in range(5 * JOBS):
        began = time.monotonic()
        await stage.archive("orthanc-a")
        await stage.callers["orthanc-a"].json("/system")
        took.append(time.monotonic() - began)
    return took


@pytest.mark.fault_long
@pytest.mark.parametrize("how", [FaultProxy.stall, FaultProxy.refuse, FaultProxy.reset], ids=lambda how: how.__name__)
async def test_d3_whatever_becomes_of_its_reports_an_orthanc_starts_no_more_threads(usual: Stage, how: Any) -> None:
    await usual.everywhere(1)
    before = threads(usual)
    async with usual.nemesis.cut(how, source=("orthanc-a",)):
        ids = await usual.archive("orthanc-a", JOBS)
        await asyncio.sleep(HOLE)
        assert threads(usual) <= before + HTTP_THREADS
    for replica in usual.replicas:
        await usual.listed(replica, ids, "Success")
    await usual.check()


HTTP_THREADS = 2  # that Orthanc itself may start for the connections of a client


def threads(stage: Stage) -> int:
    return len(list(Path(f"/proc/{stage.nemesis.processes['orthanc-a'].pid}/task").iterdir()))


@pytest.mark.fault_long
async def test_d7_an_orthanc_that_is_restarted_again_and_again_is_one_node(brisk: Stage) -> None:
    """The newest incarnation, with as many keys in Redis as before."""
    await brisk.everywhere(1)
    async with brisk.nemesis.master() as redis:
        before = await redis.dbsize()
        for _ in range(8):
            async with brisk.nemesis.killed("orthanc-a"):
                pass
        await brisk.check(within=20)
        assert await redis.dbsize() <= before + 1, "the set of failed jobs may be new"


@pytest.mark.fault_long
async def test_d8_five_hundred_short_jobs_end_and_hold_up_nobody(usual: Stage) -> None:
    await usual.everywhere(1)
    began = time.monotonic()
    shares = await asyncio.gather(*(usual.archive("orthanc-a", 25) for _ in range(20)))
    took = time.monotonic() - began
    for replica in usual.replicas:
        await usual.listed(replica, [job_id for share in shares for job_id in share], "Success")
    note("500 jobs at once", f"taken in {took:.1f} s, listed as ended {time.monotonic() - began - took:.1f} s after")
    await usual.check()
