"""Cases E: the network between the parts."""

import pytest

from jobindex.demo.fault_proxy import FaultProxy

from .figures import note
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
    assert {call.status for call in acted} == {503}
    assert slowest < ANSWERED
    assert got.result == "ok"
    assert reads.failed == []
    await usual.check()
