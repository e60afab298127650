"""The whole keyspace, read into memory: for tests and for the doctor, never on the way of a request."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError
from redis.asyncio import Redis

from jobindex.model.node import Node
from jobindex.model.record import Record
from jobindex.store import keys
from jobindex.store.keys import Key, key

CHUNK = 1000
"""What one step of the walk reads."""
TRIES = 5
"""How often a walk is begun again because the index changed under it."""


class Found(NamedTuple):
    """A key as it was read: its type, its TTL in ms (-1: none), and what it holds in Python's types."""

    type: str
    ttl: int
    value: Any


@dataclass(frozen=True, slots=True)
class Keyspace:
    """All keys by name, read at one version; `now` is Redis's clock, ms."""

    now: int
    found: dict[str, Found]

    def value(self, kind: Key, part: str = "") -> Any:
        """What a key holds; what an empty one holds where it is not there or of a wrong type."""
        found = self.found.get(key(kind, part))
        return found.value if found and found.type == kind.type else _EMPTY[kind.type]

    def parts(self, kind: Key) -> list[str]:
        """What the names of a family's keys end in."""
        kinds = [keys.kind_of(name) for name in self.found]
        return [found[1] for found in kinds if found and found[0] == kind]

    def records(self) -> dict[str, Record]:
        """The lines of the owners hash that can be read."""
        lines = self.value(keys.OWNERS).items()
        return {job_id: record for job_id, line in lines if (record := _record(line)) is not None}

    def nodes(self) -> dict[str, Node]:
        """The records of the nodes that can be read."""
        texts = self.value(keys.NODES).items()
        return {node_id: node for node_id, text in texts if (node := _node(text)) is not None}


_EMPTY: dict[str, Any] = {"hash": {}, "set": frozenset(), "zset": {}, "string": "", "stream": None}


async def read_keyspace(redis: Redis, match: str = "*") -> Keyspace:
    """The keyspace at one version, if it keeps still for as long as a walk takes; else as it was met."""
    for _ in range(TRIES):
        before = await redis.get(key(keys.VERSION))
        keyspace = Keyspace(await _now(redis), {name: found async for name, found in _walk(redis, match)})
        if before == await redis.get(key(keys.VERSION)):
            break
    return keyspace


async def _now(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return seconds * 1000 + micros // 1000


async def _walk(redis: Redis, match: str) -> AsyncIterator[tuple[str, Found]]:
    async for name in redis.scan_iter(match, count=CHUNK):
        kind: Any = await redis.type(name)
        value = await _value(redis, name, kind.decode())
        ttl = await redis.pttl(name)
        if ttl != -2:  # what ran out while it was read was never there
            yield name.decode(), Found(kind.decode(), ttl, value)


async def _value(redis: Any, name: bytes, kind: str) -> Any:
    match kind:
        case "hash":
            return {field.decode(): value async for field, value in redis.hscan_iter(name, count=CHUNK)}
        case "set":
            return {member.decode() async for member in redis.sscan_iter(name, count=CHUNK)}
        case "zset":
            return {member.decode(): score async for member, score in redis.zscan_iter(name, count=CHUNK)}
        case "string":
            return (await redis.get(name) or b"").decode(errors="replace")
        case "stream":
            return await _log(redis, name)


async def _log(redis: Any, name: bytes) -> tuple[str, str, int]:
    """The first and the last id of a stream ("" where it is empty), and how many entries it has."""
    ends = [await redis.xrange(name, count=1), await redis.xrevrange(name, count=1)]
    first, last = (entries[0][0].decode() if entries else "" for entries in ends)
    return first, last, await redis.xlen(name)


def _record(line: bytes) -> Record | None:
    try:
        return Record.read(line.decode())
    except ValueError:
        return None


def _node(text: bytes) -> Node | None:
    try:
        return Node.model_validate_json(text)
    except ValidationError:
        return None
