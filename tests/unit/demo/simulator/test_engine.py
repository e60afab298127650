"""The order in which jobs run, what interrupts them, and what is forgotten."""

import asyncio

import pytest

from jobindex.demo.probes import until
from jobindex.demo.simulator.job import State

from .building import PATIENCE, Metronome, archive, ask, modify, reaches, simulated


async def test_the_first_in_the_queue_is_the_one_with_the_highest_priority() -> None:
    metronome = Metronome()
    async with simulated(metronome.pace, ConcurrentJobs=1) as simulator:
        first, low, high = (modify(simulator, priority) for priority in (0, -1, 1))
        await reaches(high, State.RUNNING)
        metronome.beat(3)
        await reaches(first, State.RUNNING)
        assert low.state is State.PENDING


async def test_a_running_job_pauses_before_its_next_step_and_goes_on_from_there() -> None:
    metronome = Metronome()
    async with simulated(metronome.pace) as simulator:
        job = modify(simulator)
        await reaches(job, State.RUNNING)
        simulator.engine.pause(job)
        assert job.state is State.RUNNING
        metronome.beat()
        await reaches(job, State.PAUSED)
        assert job.done == 1
        simulator.engine.resume(job)
        metronome.beat(2)
        await reaches(job, State.SUCCESS)
        assert job.runtime == 3.0


async def test_a_job_that_is_cancelled_in_its_last_step_succeeds() -> None:
    metronome = Metronome()
    async with simulated(metronome.pace) as simulator:
        job = modify(simulator)
        metronome.beat(2)

        async def in_last_step() -> bool:
            return job.done == 2

        assert await until(in_last_step, PATIENCE)
        simulator.engine.cancel(job)
        metronome.beat()
        await job.ended.wait()
        assert job.state is State.SUCCESS


async def test_a_job_that_is_cancelled_before_its_last_step_fails_with_37() -> None:
    metronome = Metronome()
    async with simulated(metronome.pace) as simulator:
        job = modify(simulator)
        await reaches(job, State.RUNNING)
        simulator.engine.cancel(job)
        metronome.beat()
        await job.ended.wait()
        assert (job.state, job.code, job.done) == (State.FAILURE, 37, 1)


@pytest.mark.parametrize(
    ("release", "state", "code"),
    [("1.10.1", State.SUCCESS, 0), ("1.12.7", State.FAILURE, 37), ("1.13.0", State.FAILURE, 37)],
)
async def test_releases_a_modification_may_be_cancelled_at_the_end_of_its_progress(
    release: str, state: State, code: int
) -> None:
    metronome = Metronome()
    async with simulated(metronome.pace, release=release) as simulator:
        job = modify(simulator)
        metronome.beat(2)

        async def at_the_last_file() -> bool:
            return job.done == 2

        assert await until(at_the_last_file, PATIENCE)
        simulator.engine.cancel(job)
        metronome.beat()
        await job.ended.wait()
        shown = job.public(metronome.now, simulator.release)
        assert (job.state, job.code, shown["Progress"]) == (state, code, 100)


async def test_the_history_evicts_the_first_that_finished() -> None:
    async with simulated(JobsHistorySize=2) as simulator:
        jobs = [modify(simulator, priority) for priority in (1, 0, -1)]
        await asyncio.gather(*(job.ended.wait() for job in jobs))
        ended_first = min(jobs, key=lambda job: job.completed or 0.0)
        assert simulator.engine.ids() == sorted(job.id for job in jobs if job is not ended_first)


async def test_forgetting_leaves_what_has_not_finished() -> None:
    metronome = Metronome()
    async with simulated(metronome.pace) as simulator:
        done, waiting = modify(simulator), modify(simulator)
        simulator.engine.cancel(done)
        simulator.forget()
        assert simulator.engine.ids() == [waiting.id]


async def test_a_new_archive_takes_the_place_of_the_last_one() -> None:
    async with simulated() as simulator:
        first = await archive(simulator)
        second = await archive(simulator)
        assert (await ask(simulator, "GET", f"/jobs/{first}/archive"))[0] == 404
        assert (await ask(simulator, "GET", f"/jobs/{second}/archive"))[0] == 200
