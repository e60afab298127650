"""Cases D: the plugin, when the index is in a bad way."""

import asyncio
import time

import pytest

from jobindex.demo.fault_proxy import FaultProxy

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
