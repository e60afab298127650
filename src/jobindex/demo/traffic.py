"""Real jobs of several kinds, at a gentle pace on every Orthanc, for as long as the demo runs.

Law: the disk does not fill; what a job leaves behind is deleted, or bounded by Orthanc's own history.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from .client import Client
from .configuration import NOWHERE
from .layout import NEIGHBOUR
from .studies import Studies

SLOW = "slow"  # each Orthanc's name for the peer that takes its time
EVERY = 3.0  # seconds from job to job on a node, on average
LOOK_EVERY = 1.0  # seconds
FINAL = ("Success", "Failure")

Order = Callable[[Client, str], Awaitable[str]]


@dataclass(frozen=True)
class Examples:
    """Ids of jobs to try things on: a long one, one with an archive, one that failed."""

    long: str
    archive: str
    failed: str


async def first_jobs(clients: Sequence[Client], studies: Studies) -> Examples:
    """One of each kind that the reader is to try things on, spread over the Orthancs; the first has the long one."""
    around = itertools.cycle(clients)
    first, second, third = next(around), next(around), next(around)
    long = await _send(first, SLOW, studies.long)
    archive = await _archive(second, studies.small[0])
    failed = await _send(third, NOWHERE, studies.small[0])
    await _end(second, archive)
    await _end(third, failed)
    return Examples(long, archive, failed)


async def keep_busy(clients: Sequence[Client], studies: Studies, examples: Examples) -> None:
    """Never returns; an Orthanc that is away gets its jobs when it is back."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_long_jobs(clients, studies.long, examples.long), name="long jobs")
        for client in clients:
            tasks.create_task(_short_jobs(client, studies.small), name=f"jobs of {client.node.name}")


async def _short_jobs(client: Client, studies: Sequence[str]) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * EVERY)
        order, study = random.choice(ORDERS), random.choice(studies)
        await _try(order(client, study))


async def _long_jobs(clients: Sequence[Client], study: str, first: str) -> None:
    """One at a time, lest they keep the others waiting: after the first one, on each Orthanc in turn."""
    await _try(_end(clients[0], first))
    for client in itertools.cycle([*clients[1:], clients[0]]):
        await _try(_send_slowly(client, study))
        await asyncio.sleep(EVERY)


async def _try(work: Awaitable[object]) -> None:
    try:
        await work
    except (aiohttp.ClientError, TimeoutError):
        return  # it is the visitor's right to kill an Orthanc


async def _end(client: Client, job_id: str) -> dict[str, Any]:
    """Wait for the job's end, and give it as it is then."""
    while True:
        job = await client.job(job_id)
        if job["State"] in FINAL:
            return job
        await asyncio.sleep(LOOK_EVERY)


async def _archive(client: Client, study: str) -> str:
    return await client.submit(f"/studies/{study}/archive")


async def _media(client: Client, study: str) -> str:
    return await client.submit(f"/studies/{study}/media")


async def _anonymize(client: Client, study: str) -> str:
    """Also deletes what came of it."""
    job_id = await client.submit(f"/studies/{study}/anonymize")
    made = (await _end(client, job_id))["Content"].get("ID")
    if made:
        await client.delete_study(made)
    return job_id


async def _send(client: Client, peer: str, study: str) -> str:
    return await client.submit(f"/peers/{peer}/store", Resources=[study])


async def _send_to_neighbour(client: Client, study: str) -> str:
    return await _send(client, NEIGHBOUR, study)


async def _send_to_nowhere(client: Client, study: str) -> str:
    return await _send(client, NOWHERE, study)


async def _send_to_modality(client: Client, study: str) -> str:
    return await client.submit(f"/modalities/{NOWHERE}/store", Resources=[study])


async def _send_slowly(client: Client, study: str) -> None:
    await _end(client, await _send(client, SLOW, study))


ORDERS: tuple[Order, ...] = (
    _archive,
    _archive,
    _media,
    _anonymize,
    _anonymize,
    _send_to_neighbour,
    _send_to_neighbour,
    _send_to_nowhere,
    _send_to_modality,
)
