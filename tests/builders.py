"""Jobs, words and nodes as tests need them; moments are small numbers, seconds after a fixed one."""

from typing import Any

import orjson

from jobindex.model.job import FINAL
from jobindex.model.moment import moment
from jobindex.model.node import Node
from jobindex.model.record import HELD, Record
from jobindex.store import Store
from jobindex.store.jobs import Stored

BEGAN = 1_790_000_000
"""Seconds since 1970: moment 0 of the tests."""
BEAT = 60_000
"""A heartbeat that no test outlives, ms."""


def job_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def stamp(at: float) -> str:
    return moment(BEGAN + at)


def job_text(number: int = 1, state: str = "Running", at: float = 0, **changed: Any) -> bytes:
    """A job as Orthanc prints it, but for white space; `changed` members replace the usual ones."""
    members: dict[str, Any] = {
        "Content": {"Description": "REST API"},
        "CreationTime": stamp(0),
        "EffectiveRuntime": 0.25,
        "ErrorCode": 0,
        "ErrorDescription": "Success",
        "ErrorDetails": "",
        "ID": job_id(number),
        "Priority": 0,
        "Progress": 100 if state == "Success" else 0,
        "State": state,
        "Timestamp": stamp(at),
        "Type": "Archive",
    }
    if state in FINAL:
        members["CompletionTime"] = stamp(at)
    return orjson.dumps(members | changed, option=orjson.OPT_SORT_KEYS)


def word(
    number: int = 1,
    state: str = "Running",
    at: float = 0,
    *,
    node: str = "a",
    incarnation: str = "a1",
    clock: int = 0,
    mark: str = HELD,
    **changed: Any,
) -> Stored:
    """What a node says of a job at a moment."""
    record = Record(node, incarnation, clock, stamp(at), state, mark)
    completed = round((BEGAN + at) * 1000) if state in FINAL else 0
    return Stored(job_id(number), job_text(number, state, at, **changed), record, completed=completed)


def node_record(incarnation: str = "a1", url: str = "http://10.0.0.1:8042") -> Node:
    return Node(name="Orthanc", url=url, version="1.10.1", incarnation=incarnation)


async def registered(store: Store, *node_ids: str) -> None:
    """Each node with its incarnation 1 (`a1` of node `a`) and an address of its own."""
    for node_id in node_ids:
        await store.nodes.register(node_id, node_record(f"{node_id}1", f"http://{node_id}:8042"), BEAT)
        await store.nodes.seen(node_id, f"{node_id}1", BEAT, complete=True, clock=0)


async def known(store: Store, number: int = 1) -> Stored:
    """The job as it stands in the index; it must be there."""
    return (await store.jobs.fetch([job_id(number)]))[job_id(number)]


async def told(store: Store, *words: Stored) -> list[str]:
    """The node of the words says them; the ids that were refused."""
    return await store.jobs.put(words[0].record.node, words[0].record.incarnation, words)


async def lose(store: Store, *jobs: Stored) -> int:
    """Conclude that the jobs are lost, from the lines that they have here."""
    conclusions = [(job.id, job.record.line, job_text(int(job.id[:8], 16), "Failure", 9)) for job in jobs]
    return await store.jobs.conclude((BEGAN + 9) * 1000, conclusions)


async def version(store: Store) -> int:
    """That of the index; 0 where it has none."""
    head = await store.changes.head()
    return head.version if head else 0
