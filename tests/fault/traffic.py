"""What users do to a cluster while harm comes to it: they order jobs, act on them, and look at the list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random

import aiohttp
from caller import LOGIN

from jobindex.demo.configuration import NOWHERE

from .reads import Reads, reading
from .stage import Stage
from .witness import witness

EVERY = 1.0  # seconds from job to job on each Orthanc, and from action to action
VERBS = ("cancel", "pause", "resume", "resubmit", "delete")
WRONG = {**LOGIN, "Authorization": aiohttp.encode_basic_auth("demo", "wrong")}


@asynccontextmanager
async def busy(stage: Stage, dice: Random, per_second: float, every: float = EVERY) -> AsyncIterator[Reads]:
    """All of it at once, for as long as the block lasts; the lists that were read."""
    over, done = asyncio.Event(), set[tuple[str, str]]()
    for node in stage.nodes:
        await stage.archive(node)
    async with (
        witness("stranger", stage.front.url, stage.history, headers=WRONG) as stranger,
        asyncio.TaskGroup() as tasks,
        reading(stage.front, per_second) as reads,
    ):
        for node in stage.nodes:
            tasks.create_task(_again(lambda node=node: _order(stage, node, dice), dice, every, over))
        tasks.create_task(_again(lambda: _act(stage, dice, done), dice, every, over))
        tasks.create_task(_again(stranger.list, dice, EVERY, over))
        try:
            yield reads
        finally:
            over.set()


async def _again(do: Callable[[], Awaitable[object]], dice: Random, every: float, over: asyncio.Event) -> None:
    """Never broken off: what was sent and not written down would look like a job that nobody ordered."""
    while not over.is_set():
        await do()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), dice.uniform(0.5, 1.5) * every)


async def _order(stage: Stage, node: str, dice: Random) -> None:
    """A short job that succeeds, or one that fails."""
    if dice.random() < 0.8:
        await stage.archive(node)
    else:
        await stage.at[node].submit(node, f"/peers/{NOWHERE}/store", Resources=[stage.small[node]])


async def _act(stage: Stage, dice: Random, done: set[tuple[str, str]]) -> None:
    """Each verb once for each job, at most."""
    known = [call.id for call in stage.history.of("submit") if call.id][-50:]
    verb, job_id = dice.choice(VERBS), dice.choice(known)
    if (verb, job_id) not in done:
        done.add((verb, job_id))
        await (stage.front.delete(job_id) if verb == "delete" else stage.front.act(verb, job_id))
