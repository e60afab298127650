"""Cases A: replicas and nginx."""

import asyncio
import io
import json
import os
import signal
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from caller import LOGIN, eventually

from jobindex.demo.cluster import Plan
from jobindex.demo.dicom import make_study
from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.probes import answers

from .figures import note
from .growth import memory
from .reads import reading
from .stage import Stage, staged

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a1_a_replica_is_killed_under_load_and_no_read_fails(usual: Stage) -> None:
    await usual.everywhere()
    async with reading(usual.front, per_second=50) as reads:
        await asyncio.sleep(1)
        async with usual.nemesis.killed("replica-1"):
            await asyncio.sleep(3)
    assert len(reads.calls) > 100
    note("replica kill -9 under 50 GET/s", f"{len(reads.failed)} of {len(reads.calls)} reads failed")
    assert reads.failed == []
    await usual.check()


async def test_a2_a_replica_is_killed_with_actions_in_flight_and_none_is_done_twice(usual: Stage) -> None:
    ids = await usual.everywhere()
    owners = tuple(usual.nodes)
    async with usual.nemesis.cut(FaultProxy.stall, target=owners), asyncio.TaskGroup() as tasks:
        acting = [tasks.create_task(usual.front.act("cancel", job_id)) for job_id in ids]
        await asyncio.sleep(0.5)
        async with usual.nemesis.killed("replica-1"):
            await usual.network.heal(target=owners)
    assert {task.result().result for task in acting} == {"ok", "unknown"}
    await usual.check()


@pytest.mark.fault_long
async def test_a3_a_replica_is_killed_with_deletions_in_flight_and_none_is_done_twice(newer: Stage) -> None:
    ids = await newer.everywhere()
    owners = tuple(newer.nodes)
    async with newer.nemesis.cut(FaultProxy.stall, target=owners), asyncio.TaskGroup() as tasks:
        deleting = [tasks.create_task(newer.front.delete(job_id)) for job_id in ids]
        await asyncio.sleep(0.5)
        async with newer.nemesis.killed("replica-1"):
            await newer.network.heal(target=owners)
    assert {task.result().result for task in deleting} == {"ok", "unknown"}
    await newer.check()


async def test_a4_a_frozen_replica_costs_two_seconds_and_comes_back_with_nothing_stale(usual: Stage) -> None:
    await usual.everywhere()
    async with reading(usual.front) as reads:
        await asyncio.sleep(1)
        async with usual.nemesis.frozen("replica-1"):
            await asyncio.sleep(8)
            await usual.archive("orthanc-a", 5)
    note("replica frozen", f"slowest read {reads.slowest:.2f} s, {len(reads.failed)} of {len(reads.calls)} failed")
    assert reads.failed == []
    assert 1.9 < reads.slowest < 2.5, "it was met, and not for long"
    await usual.check()


@pytest.mark.fault_long
@pytest.mark.parametrize("seconds", [3, 30], ids=["a11", "a4_longer"])
async def test_a_frozen_replica_gives_up_nobody(usual: Stage, seconds: float) -> None:
    await usual.everywhere()
    async with reading(usual.front) as reads, usual.nemesis.frozen("replica-1"):
        await asyncio.sleep(seconds)
    assert reads.failed == []
    assert reads.slowest < 2.5
    await usual.check(within=3)


NOISE = 900_000  # bytes of an image that no archive makes smaller


async def load_noise(stage: Stage, node: str) -> str:
    """A study of 40 MB, also in an archive; its id."""
    for file in make_study("noise", 40, 1_000_000):
        _, told, _ = await stage.callers[node].ask("POST", "/instances", data=file[:-NOISE] + os.urandom(NOISE))
    return str(json.loads(told)["ParentStudy"])


@asynccontextmanager
async def half_a_download(stage: Stage) -> AsyncIterator[aiohttp.ClientResponse]:
    """An archive through nginx, of which the first bytes were read and the others wait."""
    study = await load_noise(stage, "orthanc-a")
    job = await stage.at["orthanc-a"].submit("orthanc-a", f"/studies/{study}/archive")
    await stage.listed("replica-1", [job.id], "Success")
    async with (
        aiohttp.ClientSession(headers=LOGIN) as session,
        session.get(f"{stage.front.url}/jobs/{job.id}/archive") as response,
    ):
        assert response.status == 200
        yield response


@pytest.mark.fault_long
async def test_a5_replicas_are_restarted_one_after_the_other_and_nothing_fails(usual: Stage) -> None:
    """Not even a download that takes no longer than the ten seconds that a stopping replica gives it."""
    ids = await usual.everywhere(6)
    acted: list[str] = []
    async with reading(usual.front, per_second=50) as reads, half_a_download(usual) as download:
        for replica in usual.replicas:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(usual.nemesis.restart(replica))
                acting = [tasks.create_task(usual.front.act("cancel", ids.pop())) for _ in range(6)]
                body = tasks.create_task(download.read())
            acted += [task.result().result for task in acting]
    refused = acted.count("fail")
    note("every replica restarted", f"{len(reads.failed)} of {len(reads.calls)} reads failed")
    note("every replica restarted", f"{refused} of {len(acted)} actions refused, none done twice")
    assert set(acted) <= {"ok", "fail"}, "what was not done may be asked for again"
    assert reads.failed == []
    assert zipfile.ZipFile(io.BytesIO(body.result())).testzip() is None
    await usual.check()


@pytest.mark.fault_long
async def test_a6_without_any_replica_the_orthancs_go_on_and_the_jobs_say_so(usual: Stage) -> None:
    await usual.everywhere(1)
    async with usual.nemesis.killed(*usual.replicas), aiohttp.ClientSession(headers=LOGIN) as session:
        for method, path in (("GET", "/jobs"), ("GET", "/jobs/x"), ("POST", "/jobs/x/cancel"), ("DELETE", "/jobs/x")):
            async with asyncio.timeout(2), session.request(method, usual.front.url + path) as response:
                status = 503 if method == "GET" else 500
                assert response.status == status
                assert (await response.json())["HttpStatus"] == status
        async with session.get(f"{usual.front.url}/system") as response:
            assert response.status == 200
        await usual.archive("orthanc-a", 3)
    await usual.check()


@pytest.mark.fault_long
async def test_e4_a_large_download_that_is_read_slowly_slows_nobody_and_takes_no_memory(usual: Stage) -> None:
    processes = [usual.nemesis.processes[replica].pid for replica in usual.replicas]
    await usual.everywhere(1)
    async with half_a_download(usual) as download, reading(usual.front) as reads:
        before = [memory(process) for process in processes]
        await asyncio.sleep(3)
        await download.content.readexactly(10 << 20)
        grown = max(after - first for after, first in zip(map(memory, processes), before, strict=True))
        body = await download.read()
    note("download of 40 MB", f"a replica grew by {grown / 2**20:.1f} MiB, slowest list {reads.slowest:.2f} s")
    assert len(body) > 25_000_000
    assert grown < 20 << 20
    assert reads.failed == []
    assert reads.slowest < 1


def workers_of_nginx(stage: Stage) -> list[int]:
    master = stage.nemesis.processes["nginx"].pid
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


@pytest.mark.fault_long
async def test_a9_a_worker_of_nginx_dies_and_the_download_does_not_look_whole(usual: Stage) -> None:
    async with half_a_download(usual) as download:
        for worker in workers_of_nginx(usual):
            os.kill(worker, signal.SIGKILL)
        with pytest.raises(aiohttp.ClientPayloadError):
            await download.read()
    await eventually(lambda: answers(f"{usual.front.url}/system", LOGIN))
    await usual.check()


@pytest.mark.fault_long
async def test_a10_nginx_is_reloaded_and_the_download_goes_on(usual: Stage) -> None:
    async with half_a_download(usual) as download, reading(usual.front, per_second=50) as reads:
        before = workers_of_nginx(usual)
        os.kill(usual.nemesis.processes["nginx"].pid, signal.SIGHUP)
        async with asyncio.timeout(10):
            while set(workers_of_nginx(usual)) <= set(before):
                await asyncio.sleep(0.05)
        body = await download.read()
    note("nginx reloaded", f"{len(reads.failed)} of {len(reads.calls)} reads failed")
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
    assert reads.failed == []
    await usual.check()


@pytest.mark.fault_long
async def test_a7_replicas_that_start_before_redis_wait_and_show_no_short_list(tmp_path: Path) -> None:
    """Everything is gone but the Orthancs: what they have is listed, or nothing is."""
    async with staged(Plan(nodes=2, replicas=2, simulated=True), tmp_path) as stage:
        ids = set(await stage.everywhere(5))
        replicas = list(stage.cluster.replicas.values())
        async with stage.nemesis.killed("redis"):
            for replica in replicas:
                await replica.process.kill()
                replica.process.launch()
            for replica in replicas:
                await eventually(lambda url=replica.internal_url: answers(f"{url}/-/healthy"))
                assert not await answers(f"{replica.internal_url}/-/ready")
            assert (await stage.front.list()).status == 503
        async with reading(stage.front) as reads:
            for replica in replicas:
                await replica.process.await_ready()
            await asyncio.sleep(1)
        assert {call.status for call in reads.failed} <= {503}
        assert [call for call in reads.calls if call.jobs is not None and not ids <= call.jobs.keys()] == []
        await stage.check()
