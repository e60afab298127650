"""Jobs as an Orthanc prints them, some 800 bytes each, and nodes that have them, written through the store."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence

import orjson

from jobindex.model.job import FINAL
from jobindex.model.moment import moment
from jobindex.model.node import Node
from jobindex.model.record import HELD, Record
from jobindex.store import Store
from jobindex.store.jobs import Stored

INCARNATION = "c" * 32
BEAT = 3_600_000
"""Milliseconds that seeded nodes are alive: longer than any benchmark."""
STATES = ("Running", "Pending", *("Success",) * 15, *("Failure",) * 3)


def uids(rng: random.Random, count: int) -> list[str]:
    return [f"1.2.840.113619.2.{rng.randrange(10**9)}.{rng.randrange(10**12)}" for _ in range(count)]


def text(rng: random.Random, job_id: str, state: str, progress: int, at: float) -> bytes:
    """A C-STORE job; compact, as the index keeps it."""
    members = {
        "Content": {
            "Description": "REST API",
            "FailedInstancesCount": 0,
            "InstancesCount": 300,
            "LocalAet": "ORTHANC",
            "ParentResources": [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(3)],
            "RemoteAet": f"ARCHIVE{rng.randrange(100)}",
            "StudyInstanceUID": uids(rng, 4),
        },
        "CreationTime": moment(at - 30),
        "EffectiveRuntime": round(rng.random() * 30, 3),
        "ErrorCode": 0,
        "ErrorDescription": "Success",
        "ErrorDetails": "",
        "ID": job_id,
        "Priority": 0,
        "Progress": progress,
        "State": state,
        "Timestamp": moment(at),
        "Type": "DicomModalityStore",
    }
    if state in FINAL:
        members["CompletionTime"] = moment(at)
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def word(rng: random.Random, node: str, state: str, job_id: str = "") -> Stored:
    """What a node says of a job now."""
    at = time.time()
    job_id = job_id or str(uuid.UUID(int=rng.getrandbits(128)))
    progress = 100 if state == "Success" else rng.randrange(100)
    record = Record(node, INCARNATION, 0, moment(at), state, HELD)
    completed = round(at * 1000) if state in FINAL else 0
    return Stored(job_id, text(rng, job_id, state, progress, at), record, progress, completed)


def words(rng: random.Random, node: str, count: int) -> Iterator[Stored]:
    """As a node's list looks by day: one in twenty runs, another waits."""
    return (word(rng, node, STATES[number % len(STATES)]) for number in range(count))


async def seed(store: Store, nodes: int, each: int, url: str, rng: random.Random) -> list[Stored]:
    """Write so many nodes, all reached at `url`, with so many jobs each; those that run."""
    running: list[Stored] = []
    for number in range(nodes):
        node = f"seeded-{number}"
        jobs = list(words(rng, node, each))
        await write(store, node, url, jobs)
        running += [job for job in jobs if not job.record.final]
    return running


async def write(store: Store, node: str, url: str, jobs: Sequence[Stored]) -> None:
    await introduce(store, node, url)
    await store.jobs.put(node, INCARNATION, jobs)


async def introduce(store: Store, node: str, url: str) -> None:
    """A node that has just reported."""
    await store.nodes.register(node, Node(name=node, url=url, version="1.12.7", incarnation=INCARNATION), BEAT)
    await store.nodes.seen(node, INCARNATION, BEAT, complete=True, clock=0)
