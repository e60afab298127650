"""What must always hold in Redis; each breach is named in a sentence."""

import re
from collections import defaultdict
from collections.abc import Iterator

import orjson
from redis.asyncio import Redis

from jobindex.model.job import is_state
from jobindex.model.node import ALIVE, GONE, LATE, STOPPED
from jobindex.model.record import Record
from jobindex.model.redaction import redacted
from jobindex.model.text import compact
from jobindex.store import keys
from jobindex.store.keys import key
from jobindex.store.keyspace import Keyspace, read_keyspace

_EPOCH = re.compile(r"\S+ [0-9]+ \S+")


async def breaches(redis: Redis, match: str = "*") -> list[str]:
    """Every breach that is found in the keys of this pattern; [] where all is well.  Raises what redis-py raises."""
    keyspace = await read_keyspace(redis, match)
    return [breach for check in _CHECKS for breach in check(keyspace)]


def _names(keyspace: Keyspace) -> Iterator[str]:
    for name, found in keyspace.found.items():
        kind = keys.kind_of(name)
        if kind is None:
            yield f"{name} is no key of the index"
        elif found.type != kind[0].type:
            yield f"{name} is a {found.type}, not a {kind[0].type}"
        elif kind[0] in keys.EXPIRING and found.ttl == -1:
            yield f"{name} has no TTL"
        elif kind[0] not in keys.EXPIRING and found.ttl != -1:
            yield f"{name} has a TTL of {found.ttl} ms and must stay"


def _epoch_and_log(keyspace: Keyspace) -> Iterator[str]:
    if all(found.ttl != -1 for found in keyspace.found.values()):
        return  # nothing, or no more than a nonce: the index has not begun
    if not _EPOCH.fullmatch(keyspace.value(keys.EPOCH)):
        yield "the epoch can't be read"
    version, log = keyspace.value(keys.VERSION), keyspace.value(keys.CHANGES) or ("", "", 0)
    first, last, length = log
    if last != f"{version}-0":
        yield f"the change log ends with {last or 'nothing'}, the version is {version or 'not there'}"
    elif int(version) - int(first.split("-")[0]) + 1 != length:
        yield f"the change log has {length} entries from {first} to {last}"


def _jobs_and_owners(keyspace: Keyspace) -> Iterator[str]:
    texts, lines, records = keyspace.value(keys.JOBS), keyspace.value(keys.OWNERS), keyspace.records()
    for job_id in texts.keys() - lines.keys():
        yield f"job {job_id} has no owner"
    for job_id in lines.keys() - texts.keys():
        yield f"job {job_id} has an owner but no text"
    for job_id in lines.keys() - records.keys():
        yield f"the owner's line of job {job_id} can't be read"
    for job_id in texts.keys() & records.keys():
        yield from _text_and_record(job_id, texts[job_id], records[job_id])


def _text_and_record(job_id: str, text: bytes, record: Record) -> Iterator[str]:
    try:
        job = orjson.loads(text)
    except orjson.JSONDecodeError:
        job = None
    if not isinstance(job, dict):
        yield f"the text of job {job_id} is no JSON object"
        return
    if compact(text) != text:
        yield f"the text of job {job_id} has white space"
    if redacted(text, str(job.get("Type"))) != text:
        yield f"the text of job {job_id} has a secret"
    if job.get("ID") != job_id:
        yield f"the text of job {job_id} is that of job {job.get('ID')}"
    if job.get("State") != record.state:
        yield f"job {job_id} is {record.state}, its text says {job.get('State')}"


def _sets(keyspace: Keyspace) -> Iterator[str]:
    states, owned = defaultdict(set), defaultdict(set)
    for job_id, record in keyspace.records().items():
        owned[record.node].add(job_id)
        if not record.final:
            states[record.state].add(job_id)
    finished = {job_id for job_id, record in keyspace.records().items() if record.final}
    yield from _differences(key(keys.FINISHED), set(keyspace.value(keys.FINISHED)), finished)
    for kind, expected in ((keys.STATE, states), (keys.NODE_JOBS, owned)):
        for part in sorted({*keyspace.parts(kind), *expected}):
            yield from _differences(key(kind, part), keyspace.value(kind, part), expected[part])
    for state in {*keyspace.parts(keys.STATE), *states}:
        if not is_state(state):
            yield f"{state} is no state of a job"


def _differences(name: str, there: set[str], right: set[str]) -> Iterator[str]:
    yield from (f"{name} lacks job {job_id}" for job_id in sorted(right - there))
    yield from (f"{name} has job {job_id} against its owner's line" for job_id in sorted(there - right))


def _nodes(keyspace: Keyspace) -> Iterator[str]:
    records, nodes = keyspace.value(keys.NODES), keyspace.nodes()
    for node_id in {record.node for record in keyspace.records().values() if not record.final} - records.keys():
        yield f"node {node_id} has unfinished jobs but no record"
    for node_id in records.keys() - nodes.keys():
        yield f"the record of node {node_id} can't be read"
    due = keyspace.value(keys.DUE, "late")
    for node_id, node in nodes.items():
        if node.state not in (ALIVE, LATE, GONE, STOPPED):
            yield f"node {node_id} is in no state that there is: {node.state}"
        if node.may_answer and node_id not in due:
            yield f"node {node_id} is {node.state} and {key(keys.DUE, 'late')} lacks it"


def _beats(keyspace: Keyspace) -> Iterator[str]:
    nodes = keyspace.nodes()
    for node_id in keyspace.parts(keys.BEAT):
        if node_id not in nodes:
            yield f"a heartbeat of node {node_id}, which has no record"
        elif keyspace.value(keys.BEAT, node_id) != nodes[node_id].incarnation:
            yield f"the heartbeat of node {node_id} is another incarnation's"


def _tombstones(keyspace: Keyspace) -> Iterator[str]:
    records = keyspace.records()
    for member, ends in keyspace.value(keys.DELETED).items():
        job_id, _, incarnation = member.partition(" ")
        if ends > keyspace.now and job_id in records and incarnation in ("*", records[job_id].incarnation):
            yield f"job {job_id} is there, and so is its tombstone"


_CHECKS = (_names, _epoch_and_log, _jobs_and_owners, _sets, _nodes, _beats, _tombstones)
