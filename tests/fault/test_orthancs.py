"""Cases C: the Orthancs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from caller import eventually

from jobindex.demo.cluster import Plan
from jobindex.demo.ports import free_port
from jobindex.demo.probes import reads as text_at
from jobindex.demo.process import Process
from jobindex.store.keys import NODES, key

from .figures import note
from .reads import reading
from .stage import Stage, staged

pytestmark = pytest.mark.asyncio(loop_scope="package")

MARKED = 16.0  # seconds until a silent node is late
ANSWERED = 3.0  # seconds for an action on a job of a dead node


async def test_c1_c2_the_jobs_of_a_killed_orthanc_stay_marked_and_end_as_lost_when_it_is_back(usual: Stage) -> None:
    """Of C2: its new process is sent nothing of the old jobs, and is no error."""
    running = await usual.start_long("orthanc-b")
    ids = set(await usual.everywhere())
    async with reading(usual.front) as reads:
        began = time.monotonic()
        async with usual.nemesis.killed("orthanc-b"):
            at_once = await usual.front.act("cancel", running)
            await usual.marked("orthanc-b", "Late", MARKED)
            marked = time.monotonic() - began
            late = await usual.front.act("pause", running)
            others = await usual.archive("orthanc-a")
            assert (await usual.front.act("cancel", others[0])).result == "ok"
            await usual.listed("replica-2", [running], "Running")
        back = time.monotonic()
        await asyncio.gather(*(usual.listed(replica, [running], "Failure") for replica in usual.replicas))
        lost = time.monotonic() - back
    answered = max(call.ended - call.began for call in (at_once, late))
    note("Orthanc killed", f"marked after {marked:.1f} s, actions answered within {answered:.2f} s")
    note("Orthanc back without its jobs", f"lost after {lost:.1f} s")
    assert reads.failed == []
    assert reads.complete_after(began, {*ids, running}) == 0
    assert {at_once.result, late.result} == {"fail"}
    assert answered < ANSWERED
    assert (await usual.front.list()).jobs[running].lost
    assert (await usual.front.act("resume", running)).status < 500
    await usual.check()


async def test_c16_when_all_orthancs_are_silent_none_is_given_up(brisk: Stage) -> None:
    """Nine seconds of silence would be enough to give one up; these are twenty."""
    ids = set(await brisk.everywhere())
    running = await brisk.start_long("orthanc-a")
    async with brisk.nemesis.frozen(*brisk.nodes):
        await all_late(brisk)
        await asyncio.sleep(10)
        async with brisk.nemesis.master() as redis:
            states = await redis.hvals(key(NODES))
        metrics = await metrics_of(brisk)
    assert not [state for state in states if b'"Gone"' in state]
    assert any("jobindex_mass_silence 1.0" in text for text in metrics)
    for node in brisk.nodes:
        await brisk.marked(node, "Alive", within=15)
    for replica in brisk.replicas:
        jobs = (await brisk.at[replica].list()).jobs
        assert {*ids, running} <= jobs.keys()
        assert not [job for job in jobs.values() if job.lost]
    await brisk.check()


async def all_late(stage: Stage) -> None:
    """Nobody can be asked for rights, so nobody can be asked for the nodes: Redis knows."""

    async def found() -> bool:
        async with stage.nemesis.master() as redis:
            return all(b'"Late"' in node for node in await redis.hvals(key(NODES)))

    await eventually(found, within=20)


async def metrics_of(stage: Stage) -> list[str]:
    return [await text_at(f"{replica.internal_url}/metrics") for replica in stage.cluster.replicas.values()]


@pytest.mark.fault_long
async def test_c3_a_job_that_its_orthanc_saved_comes_back_as_one(brisk: Stage) -> None:
    running = await brisk.start_long("orthanc-b")
    await brisk.nemesis.restart("orthanc-b")
    await brisk.marked("orthanc-b", "Alive", within=20)
    for replica in brisk.replicas:
        call = await brisk.listed(replica, [running], "Running", within=20)
        assert not call.jobs[running].lost
    assert (await brisk.at["replica-1"].act("cancel", running)).result == "ok"
    await brisk.check()


@pytest.mark.fault_long
async def test_c4_an_orthanc_that_moved_is_called_at_its_new_address_only(usual: Stage) -> None:
    ids = await usual.everywhere()
    mine = ids[:4]
    new = free_port()
    async with reconfigured(usual, "orthanc-a", HttpPort=new, JobIndex={"NodeUrl": f"http://127.0.0.1:{new}"}):
        before = usual.network.sent["orthanc-a"].copy()
        await eventually(lambda: is_at(usual, "orthanc-a", new))
        acted = [await usual.front.act("cancel", job_id) for job_id in mine]
        assert usual.network.sent["orthanc-a"] == before
    assert {call.status for call in acted} <= {200, 400, 404}, "its new process knows nothing of them"
    await eventually(lambda: is_at(usual, "orthanc-a", usual.network.links["replicas", "orthanc-a"].port))


async def is_at(stage: Stage, node: str, port: int) -> bool:
    nodes = [await stage.callers[replica].json("/job-index/nodes") for replica in stage.replicas]
    return all(each["Url"].endswith(f":{port}") for told in nodes for each in told if each["ID"] == node)


@asynccontextmanager
async def reconfigured(stage: Stage, node: str, **settings: Any) -> AsyncIterator[None]:
    """An Orthanc restarted with another configuration, and in the end with its own."""
    file = stage.cluster.folder / node / "orthanc.json"
    own = file.read_text()
    configuration = json.loads(own)
    process = stage.nemesis.processes[node]
    section = configuration["JobIndex"] | settings.pop("JobIndex", {})
    async with stage.nemesis.killed(node):
        await stage.network.heal()
        file.write_text(json.dumps({**configuration, **settings, "JobIndex": section}))
        process.launch()
        try:
            yield
        finally:
            await process.stop()
            file.write_text(own)


@pytest.mark.fault_long
async def test_c5_the_second_orthanc_with_a_name_is_refused_and_takes_nothing_over(usual: Stage) -> None:
    await usual.everywhere()
    before = await usual.callers["replica-1"].json("/job-index/nodes")
    async with reconfigured(usual, "orthanc-c", JobIndex={"NodeId": "orthanc-b"}):
        await eventually(lambda: mentions(usual.nemesis.processes["orthanc-c"], "give each its own NodeId"))
        after = await usual.callers["replica-1"].json("/job-index/nodes")
    assert of_node(before, "orthanc-b") == of_node(after, "orthanc-b")
    await usual.check()


async def mentions(process: Process, text: str) -> bool:
    return text in process.log_end()


def of_node(nodes: list[dict[str, Any]], node: str) -> list[Any]:
    return [(each["Incarnation"], each["Url"], each["State"]) for each in nodes if each["ID"] == node]


@pytest.mark.fault_long
async def test_c6_a_frozen_orthanc_holds_up_no_list_and_acts_once_at_most(usual: Stage) -> None:
    running = await usual.start_long("orthanc-b")
    ids = await usual.everywhere(6)
    mine = [call.id for call in usual.history.of("submit") if call.node == "orthanc-b" and call.id in ids]
    async with reading(usual.front) as reads, usual.nemesis.frozen("orthanc-b"):
        first = await usual.front.act("cancel", running)
        others = [await usual.front.act("cancel", job_id) for job_id in mine]
        await usual.marked("orthanc-b", "Late", MARKED)
    taken = [call.ended - call.began for call in (first, *others)]
    note("Orthanc frozen", f"first action answered after {taken[0]:.2f} s, the others within {max(taken[1:]):.2f} s")
    assert (first.result, first.status) == ("unknown", 504)
    assert taken[0] < 5.1
    assert {call.result for call in others} <= {"fail", "unknown"}
    assert reads.failed == []
    assert reads.slowest < 1
    await usual.check()


@pytest.mark.fault_long
async def test_c7_an_orthanc_that_stops_says_so_at_once(usual: Stage) -> None:
    await usual.everywhere(1)
    async with usual.nemesis.stopped("orthanc-b"):
        began = time.monotonic()
        await usual.marked("orthanc-b", "Stopped", within=1)
    note("Orthanc stopped", f"marked {time.monotonic() - began:.1f} s after its end at the latest")
    await usual.check()


@pytest.mark.fault_long
async def test_c8_an_orthanc_whose_http_threads_are_all_held_is_not_given_up(brisk: Stage) -> None:
    """Nobody can ask it anything; it reports all the same."""
    ids = await brisk.everywhere()
    port = brisk.cluster.nodes["orthanc-a"].port
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(120)]
    for _, writer in held:
        writer.write(b"GET /jobs HTTP/1.1\r\n")
    await asyncio.sleep(10)
    assert [await brisk.node_state(replica, "orthanc-a") for replica in brisk.replicas] == ["Alive"] * 2
    assert set(ids) <= (await brisk.front.list()).jobs.keys()
    for _, writer in held:
        writer.close()
    await brisk.check()


@pytest.mark.fault_long
async def test_c10_an_archive_that_its_orthanc_has_thrown_away_is_answered_as_there(usual: Stage) -> None:
    """An Orthanc keeps one archive, and its job as a success."""
    await usual.everywhere(1)
    async with reconfigured(usual, "orthanc-a", MediaArchiveSize=1):
        await usual.nemesis.processes["orthanc-a"].await_ready()
        thrown_away, kept = await usual.archive("orthanc-a", 2)
        await usual.listed("replica-1", [thrown_away, kept], "Success")
        answers = {
            (job_id, who): (await usual.callers[who].ask("GET", f"/jobs/{job_id}/archive"))[:2]
            for job_id in (thrown_away, kept)
            for who in ("front", "orthanc-a")
        }
    assert [answers[job_id, "front"][0] for job_id in (thrown_away, kept)] == [404, 200]
    assert all(answers[job_id, "front"] == answers[job_id, "orthanc-a"] for job_id in (thrown_away, kept))
    await usual.check()


@pytest.mark.fault_long
async def test_c11_what_is_done_at_the_orthanc_itself_is_listed(usual: Stage) -> None:
    paused, cancelled = [await usual.start_long("orthanc-a") for _ in range(2)]
    assert (await usual.at["orthanc-a"].act("pause", paused)).result == "ok"
    assert (await usual.at["orthanc-a"].act("cancel", cancelled)).result == "ok"
    for replica in usual.replicas:
        await usual.listed(replica, [paused], "Paused")
        await usual.listed(replica, [cancelled], "Failure")


@pytest.mark.fault_long
async def test_c12_five_thousand_waiting_jobs_of_one_orthanc_are_all_listed(tmp_path: Path) -> None:
    plan = Plan(nodes=2, replicas=1, nginx=False, simulated=True, arguments=("--step", "600"))
    async with staged(plan, tmp_path) as stage:
        began = time.monotonic()
        study = await stage.callers["orthanc-a"].upload()
        orders = [f"/studies/{study}/archive"] * 5_000
        ids = [(await stage.at["orthanc-a"].submit("orthanc-a", path)).id for path in orders]
        ordered = time.monotonic()

        async def all_are() -> bool:
            return set(ids) <= ((await stage.front.list()).jobs or {}).keys()

        await eventually(all_are, within=10)
        note(
            "5,000 waiting jobs", f"ordered in {ordered - began:.0f} s, listed {time.monotonic() - ordered:.1f} s after"
        )
        last = await stage.front.list()
        assert last.ended - last.began < 1
