"""Cases F: two at the same time."""

import asyncio

import pytest

from jobindex.demo.configuration import NOWHERE

from .stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.fault_long]


async def test_f3_two_actions_at_once_through_two_replicas_are_each_done_once_at_most(usual: Stage) -> None:
    """What the job is then is for its Orthanc to say; the checker holds the lists against it."""
    await usual.archive("orthanc-a")
    order = {"Resources": [usual.small["orthanc-a"]]}
    calls = [await usual.at["orthanc-a"].submit("orthanc-a", f"/peers/{NOWHERE}/store", **order) for _ in range(10)]
    for replica in usual.replicas:
        await usual.listed(replica, [call.id for call in calls], "Failure")
    one, two = usual.at["replica-1"], usual.at["replica-2"]
    acted = await asyncio.gather(
        *(one.act("resubmit", call.id) for call in calls), *(two.act("cancel", call.id) for call in calls)
    )
    assert {call.result for call in acted} <= {"ok", "refused"}
    await usual.check()


async def test_f4_a_node_that_returns_while_all_replicas_look_at_it_is_alive(brisk: Stage) -> None:
    """Each claims its deadline again and again; whoever finds it silent may not outdo its new report."""
    await brisk.everywhere(1)
    for _ in range(3):
        async with brisk.nemesis.frozen("orthanc-b"):
            await brisk.marked("orthanc-b", "Late", within=15)
        await brisk.marked("orthanc-b", "Alive", within=7)
    await brisk.check()
