"""What a simulated Orthanc suffers, and how it comes back."""

import asyncio
import os
import subprocess
import sys

import aiohttp
import pytest

from jobindex.demo.probes import until
from jobindex.demo.simulator.job import State

from .building import PATIENCE, Metronome, archive, ask, modify, reaches, simulated

IMPATIENT = aiohttp.ClientTimeout(total=0.1)


async def test_a_restart_keeps_all_but_archives() -> None:
    metronome = Metronome()
    async with simulated(metronome.pace, ConcurrentJobs=1) as simulator:
        running, paused, cancelled = (modify(simulator) for _ in range(3))
        simulator.engine.pause(paused)
        simulator.engine.cancel(cancelled)
        metronome.beat()
        await reaches(running, State.RUNNING)
        before = simulator.url
        await simulator.restart()
        assert simulator.url == before
        assert {job.id: job.state for job in (paused, cancelled)} == {
            paused.id: State.PAUSED,
            cancelled.id: State.FAILURE,
        }
        metronome.beat(3)
        await reaches(running, State.SUCCESS)


async def test_a_restart_loses_archives() -> None:
    async with simulated() as simulator:
        lost = await archive(simulator)
        await simulator.restart()
        assert await ask(simulator, "GET", f"/jobs/{lost}") == (404, b"")


async def test_without_saved_jobs_a_restart_begins_empty() -> None:
    async with simulated(SaveJobs=False) as simulator:
        modify(simulator)
        await simulator.restart()
        assert simulator.engine.ids() == []


async def test_a_crash_cuts_the_line_and_a_restart_comes_back() -> None:
    async with simulated() as simulator:
        simulator.hang()
        waiting = asyncio.create_task(ask(simulator, "GET", "/jobs"))
        await simulator.crash()
        with pytest.raises(aiohttp.ClientError):
            await waiting
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(simulator, "GET", "/jobs")
        await simulator.restart()
        assert (await ask(simulator, "GET", "/jobs"))[0] == 200


async def test_who_hangs_answers_when_it_recovers() -> None:
    async with simulated() as simulator:
        await ask(simulator, "POST", "/simulator/hang")
        with pytest.raises(TimeoutError):
            await ask(simulator, "GET", "/jobs", timeout=IMPATIENT)
        waiting = asyncio.create_task(ask(simulator, "GET", "/jobs"))
        await ask(simulator, "POST", "/simulator/recover")
        assert (await waiting)[0] == 200


async def test_who_is_slow_answers_too_late() -> None:
    async with simulated() as simulator:
        await ask(simulator, "POST", "/simulator/slow", json={"Seconds": 60})
        with pytest.raises(TimeoutError):
            await ask(simulator, "GET", "/jobs", timeout=IMPATIENT)
        await ask(simulator, "POST", "/simulator/slow", json={"Seconds": 0})
        assert (await ask(simulator, "GET", "/jobs"))[0] == 200


async def test_faults_can_be_ordered_over_http() -> None:
    async with simulated() as simulator:
        done = modify(simulator)
        await done.ended.wait()
        assert (await ask(simulator, "POST", "/simulator/forget"))[0] == 200
        assert simulator.engine.ids() == []
        assert (await ask(simulator, "POST", "/simulator/dance"))[0] == 404
        engine = simulator.engine
        assert (await ask(simulator, "POST", "/simulator/restart"))[0] == 200

        async def restarted() -> bool:
            return simulator.engine is not engine

        assert await until(restarted, PATIENCE)


async def test_faults_are_ordered_by_those_with_a_login_only() -> None:
    async with simulated(RegisteredUsers={"demo": "demo"}) as simulator:
        assert (await ask(simulator, "POST", "/simulator/crash"))[0] == 401
        assert not simulator.crashed.is_set()


def test_as_a_process_it_says_where_it_listens_and_ends_by_a_crash() -> None:
    command = [sys.executable, "-m", "jobindex.demo.simulator", "--port", "0", "--name", "alone"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        try:
            assert process.stderr is not None
            url = process.stderr.readline().split()[-1]
            asyncio.run(_post(f"{url}/simulator/crash"))
            assert process.wait(PATIENCE) == 1
        finally:
            process.kill()


async def _post(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(url) as answer:
        assert answer.status == 200


async def test_plugin_a_job_without_a_text_spoils_the_list_and_nothing_else() -> None:
    async with simulated() as simulator:
        job, other = modify(simulator), modify(simulator)
        await ask(simulator, "POST", "/simulator/balk", json={"ID": job.id})
        told = [(await ask(simulator, "GET", path))[0] for path in ("/jobs", "/jobs?expand", f"/jobs/{job.id}")]
        assert told == [200, 400, 400]
        assert (await ask(simulator, "GET", f"/jobs/{other.id}"))[0] == 200
        await ask(simulator, "POST", "/simulator/recover")
        assert (await ask(simulator, "GET", f"/jobs/{job.id}"))[0] == 200
