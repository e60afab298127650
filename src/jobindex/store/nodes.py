"""The nodes in Redis: their records and their heartbeats."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis

from jobindex.model.node import Node
from jobindex.store import keys
from jobindex.store.codec import read_node, read_nodes, texts
from jobindex.store.connect import translated
from jobindex.store.jobs import Stored, put_calls
from jobindex.store.scripts import Call, Scripts, new_word
from jobindex.store.told import Told


class Said(NamedTuple):
    """What became of a report: the ids that were refused, and whether it is the node's first of this epoch."""

    refused: list[str]
    first: bool


_TOLD = {"name", "url", "version", "kind", "incarnation", "shares", "named_url", "remote_access"}
"""What a node itself says at its registration."""


def _seen(
    node_id: str, incarnation: str, beat: int, complete: bool, clock: int, offset: int, cannot_read: str = ""
) -> Call:
    told = (node_id, incarnation, beat, "1" if complete else "", offset, clock, cannot_read)
    return Call("node_seen", told, new_word())


class Nodes:
    """Reads and writes nodes; every method may raise IndexAway.  Times are in milliseconds."""

    def __init__(self, redis: Redis, scripts: Scripts, reports: Scripts, told: Told[Stored]) -> None:
        self._redis = redis
        self._scripts = scripts
        self._reports = reports
        self._told = told

    async def register(self, node_id: str, node: Node, beat: int) -> None:
        """Write the record of a node that introduces itself; NodeConflict where its id is taken."""
        told = node.model_dump_json(include=_TOLD)
        with translated():
            await self._scripts.run("node_register", node_id, told, beat)

    async def seen(
        self, node_id: str, incarnation: str, beat: int, *, complete: bool, clock: int, offset: int = 0
    ) -> bool:
        """Note a report; True when it is the node's first of this epoch.  UnknownNode if it isn't registered.

        `clock` counts the jumps of its clock, `offset` (visited nodes only) is how far that is from Redis's.
        """
        with translated():
            (first,) = await self._scripts.run_in_turn([_seen(node_id, incarnation, beat, complete, clock, offset)])
        return bool(first)

    async def say(
        self,
        node_id: str,
        incarnation: str,
        beat: int,
        words: Sequence[Stored],
        clock: int,
        offset: int,
        cannot_read: str = "",
    ) -> Said:
        """Take in what a node says and note its report, which is not complete, in one exchange with Redis."""
        calls = put_calls(node_id, incarnation, words, self._told)
        calls.append(_seen(node_id, incarnation, beat, False, clock, offset, cannot_read))
        with translated():
            *refused, first = await self._reports.run_in_turn(calls)
        return Said([job_id for each in refused for job_id in texts(each)], bool(first))

    async def change_state(
        self,
        node_id: str,
        incarnation: str,
        state: str,
        due: int | None,
        *,
        if_silent: bool = False,
        answers: bool | None = None,
    ) -> bool:
        """Write a new state, to be looked at again in `due` (None: when the claim on it says); what a probe has shown.

        False where it was so or the node is not silent.
        """
        when, told = "" if due is None else due, "" if answers is None else int(answers)
        silent = "1" if if_silent else ""
        with translated():
            written = await self._scripts.run("node_state", node_id, incarnation, state, when, silent, told)
        return bool(written)

    async def restore(self, node_id: str, node: Node, due: int) -> bool:
        """Write back the record of a node that Redis lost."""
        with translated():
            return bool(await self._scripts.run("node_restore", node_id, node.model_dump_json(), due))

    async def forget(self, node_id: str, *, with_jobs: bool = False) -> bool:
        """Remove the record of a node that is away and has no job left, or (`with_jobs`) none but history."""
        with translated():
            return bool(await self._scripts.run("node_forget", node_id, "1" if with_jobs else ""))

    async def fetch(self, node_id: str) -> Node | None:
        return (await self.some([node_id])).get(node_id)

    async def some(self, node_ids: list[str]) -> dict[str, Node]:
        """Those of these nodes that there are."""
        if not node_ids:
            return {}
        with translated():
            found = await self._redis.hmget(keys.key(keys.NODES), node_ids)
        read = ((node_id, read_node(node_id, text)) for node_id, text in zip(node_ids, found, strict=True))
        return {node_id: node for node_id, node in read if node is not None}

    async def everything(self) -> dict[str, Node]:
        """All nodes by id."""
        with translated():
            return read_nodes(await self._redis.hgetall(keys.key(keys.NODES)))

    async def beating(self, node_ids: list[str]) -> set[str]:
        """Those of these nodes whose heartbeat still counts."""
        if not node_ids:
            return set()
        with translated():
            found = await self._redis.mget([keys.key(keys.BEAT, node_id) for node_id in node_ids])
        return {node_id for node_id, beat in zip(node_ids, found, strict=True) if beat is not None}

    async def keep_token(self, node_id: str, sealed: bytes, ttl: int) -> None:
        """Keep a node's token, sealed, for `ttl` ms."""
        with translated():
            await self._redis.set(keys.key(keys.TOKEN, node_id), sealed, px=ttl)

    async def token(self, node_id: str) -> bytes | None:
        with translated():
            found: Any = await self._redis.get(keys.key(keys.TOKEN, node_id))
        return bytes(found) if found is not None else None
