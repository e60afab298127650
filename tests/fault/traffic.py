"""What users do to a cluster while harm comes to it: they order jobs, act on them, and look at the list."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import aiohttp
from caller import LOGIN

from jobindex.demo.configuration import NOWHERE

from .reads import Reads, reading
from .stage import Stage
from .witness import Witness, witness

EVERY = 1.0  # seconds from job to job on each Orthanc, and from action to action
VERBS = ("cancel", "pause", "resume", "resubmit", "delete")
WRONG = {**LOGIN, "Authorization": aiohttp.encode_basic_auth("demo", "wrong")}


@asynccontextmanager
async def busy(stage: Stage, dice: Random, per_second: float) -> AsyncIterator[Reads]:
    """All of it at once, for as long as the block lasts; the lists that were read."""
    for node in stage.nodes:
        await stage.archive(node)
    async with (
        witness("stranger", stage.front.url, stage.history, headers=WRONG) as stranger,
        asyncio.TaskGroup() as tasks,
        reading(stage.front, per_second) as reads,
    ):
        working = [tasks.create_task(_order(stage, node, dice)) for node in stage.nodes]
        working += [tasks.create_task(_act(stage, dice)), tasks.create_task(_pry(stranger))]
        try:
            yield reads
        finally:
            for task in working:
                task.cancel()


async def _order(stage: Stage, node: str, dice: Random) -> None:
    """Short jobs that succeed, and some that fail."""
    while True:
        if dice.random() < 0.8:
            await stage.archive(node)
        else:
            await stage.at[node].submit(node, f"/peers/{NOWHERE}/store", Resources=[stage.small[node]])
        await asyncio.sleep(dice.uniform(0.5, 1.5) * EVERY)


async def _act(stage: Stage, dice: Random) -> None:
    """Each verb once for each job, at most."""
    done: set[tuple[str, str]] = set()
    while True:
        await asyncio.sleep(dice.uniform(0.5, 1.5) * EVERY)
        known = [call.id for call in stage.history.of("submit") if call.id][-50:]
        verb, job_id = dice.choice(VERBS), dice.choice(known)
        if (verb, job_id) not in done:
            done.add((verb, job_id))
            await (stage.front.delete(job_id) if verb == "delete" else stage.front.act(verb, job_id))


async def _pry(stranger: Witness) -> None:
    while True:
        await stranger.list()
        await asyncio.sleep(EVERY)
