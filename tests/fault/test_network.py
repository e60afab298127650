"""Cases E: the network between the parts."""

import asyncio
import time

import aiohttp
import pytest
from caller import eventually

from jobindex.demo.configuration import NOWHERE
from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.replica import Replica

from .figures import note
from .growth import open_files
from .reads import reading
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

ANSWERED = 3.0  # seconds for an action on a job whose owner can't be called


async def test_e1_an_orthanc_that_reports_and_can_not_be_called_is_alive_and_its_actions_fail_soon(
    usual: Stage,
) -> None:
    ids = await usual.everywhere()
    mine = [call.id for call in usual.history.of("submit") if call.node == "orthanc-a" and call.id in ids]
    async with (
        reading(usual.front) as reads,
        usual.nemesis.cut(FaultProxy.drop, source=("replicas",), target=("orthanc-a",)),
    ):
        for replica in usual.replicas:
            await usual.listed(replica, await usual.archive("orthanc-a"), "Success")
            assert await usual.node_state(replica, "orthanc-a") == "Alive"
        acted = [await usual.front.act("cancel", job_id) for job_id in mine]
        got = await usual.front.get(mine[0])
    slowest = max(call.ended - call.began for call in acted)
    note("Orthanc that can't be called", f"actions answered within {slowest:.2f} s, reads {reads.slowest:.2f} s")
    assert {call.result for call in acted} == {"fail"}
    assert slowest < ANSWERED
    assert got.result == "ok"
    assert reads.failed == []
    await usual.check()


@pytest.mark.fault_long
async def test_e2_an_orthanc_that_can_be_called_and_not_report_is_late_and_not_given_up(brisk: Stage) -> None:
    """Nine seconds of silence would be enough; a probe keeps it, and its jobs go on."""
    running = await brisk.start_long("orthanc-a")
    async with brisk.nemesis.cut(FaultProxy.drop, source=("orthanc-a",)):
        await asyncio.sleep(15)
        for replica in brisk.replicas:
            assert await brisk.node_state(replica, "orthanc-a") == "Late"
            assert not (await brisk.at[replica].list()).jobs[running].lost
    await brisk.check()


@pytest.mark.fault_long
async def test_e3_a_way_that_comes_and_goes_makes_no_job_come_and_go(usual: Stage) -> None:
    ids = set(await usual.everywhere())
    async with reading(usual.front) as reads:
        began = time.monotonic()
        for _ in range(5):
            async with usual.nemesis.cut(FaultProxy.refuse, source=("orthanc-a", "orthanc-b")):
                await usual.archive("orthanc-a", 2)
                await asyncio.sleep(3)
            await asyncio.sleep(3)
    assert reads.failed == []
    assert reads.complete_after(began, ids) == 0
    await usual.check()


@pytest.mark.fault_long
@pytest.mark.parametrize("where", ["nginx", "replica"])
async def test_e5_an_owner_that_dies_in_a_download_leaves_no_file_that_looks_whole(usual: Stage, where: str) -> None:
    study = await usual.callers["orthanc-a"].upload(instances=20)
    job = await usual.at["orthanc-a"].submit("orthanc-a", f"/studies/{study}/archive")
    await usual.listed("replica-1", [job.id], "Success")
    caller = usual.callers[{"nginx": "front", "replica": "replica-1"}[where]]
    whole = (await caller.ask("GET", f"/jobs/{job.id}/archive"))[1]

    def cut(proxy: FaultProxy) -> None:
        proxy.cut_after = len(whole) // 2

    async with usual.nemesis.cut(cut, target=("orthanc-a",)):
        with pytest.raises(aiohttp.ClientPayloadError):
            await caller.ask("GET", f"/jobs/{job.id}/archive")
    assert (await caller.ask("GET", f"/jobs/{job.id}/archive"))[1] == whole


@pytest.mark.fault_long
async def test_e6_who_hangs_up_in_a_download_leaves_nothing_open(usual: Stage) -> None:
    replica = usual.cluster.replicas["replica-1"]
    study = await usual.callers["orthanc-a"].upload(instances=20)
    job = await usual.at["orthanc-a"].submit("orthanc-a", f"/studies/{study}/archive")
    await usual.listed("replica-1", [job.id], "Success")
    await eventually(lambda: quiet(replica))
    before = open_files(replica.process.pid)
    async with usual.nemesis.cut(FaultProxy.stall, target=("orthanc-a",)):
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await usual.callers["replica-1"].ask("GET", f"/jobs/{job.id}/archive")
        async with asyncio.timeout(2):
            while open_files(replica.process.pid) > before:
                await asyncio.sleep(0.05)
    await usual.check()


async def quiet(replica: Replica) -> bool:
    """The number stays for as long as connections are kept."""
    before = open_files(replica.process.pid)
    await asyncio.sleep(1)
    return open_files(replica.process.pid) <= before


@pytest.mark.fault_long
async def test_e9_an_action_whose_connection_breaks_is_not_repeated(usual: Stage) -> None:
    """Answered 504, and reached its owner once: that is what the checker counts."""
    await usual.archive("orthanc-a")
    call = await usual.at["orthanc-a"].submit(
        "orthanc-a", f"/peers/{NOWHERE}/store", Resources=[usual.small["orthanc-a"]]
    )
    await usual.listed("replica-1", [call.id], "Failure")

    def cut(proxy: FaultProxy) -> None:
        proxy.cut_after = 0

    async with usual.nemesis.cut(cut, target=("orthanc-a",)):
        assert (await usual.front.act("resubmit", call.id)).status == 504
    assert usual.network.sent["orthanc-a"][f"POST /jobs/{call.id}/resubmit"] == 1
    await usual.check()
