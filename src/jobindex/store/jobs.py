"""The jobs in Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from redis.asyncio import Redis

from jobindex.errors import IndexAway
from jobindex.model.job import FINAL, STATES
from jobindex.model.record import Record
from jobindex.store import keys
from jobindex.store.codec import read_record, read_text, texts
from jobindex.store.connect import translated
from jobindex.store.scripts import Call, Scripts, new_word
from jobindex.store.told import Told

Item = TypeVar("Item")

BATCH = 50
"""Jobs in one script call; it holds Redis for 1 to 3 ms, and nothing may hold it for more than 5."""
BATCH_BYTES = 400_000
"""Bytes of their texts, but for a job that has more by itself."""
CHUNK = 500
"""Jobs in one read; it holds Redis for about 1 ms."""
CHUNK_BYTES = 4 << 20
"""Bytes of their texts, as far as the last read tells; it holds Redis for 1 to 2 ms."""
MAX_READS = 5
"""Of the same jobs, where they change as they are read."""

UNFINISHED = tuple(state for state in STATES if state not in FINAL)


@dataclass(frozen=True, slots=True)
class Stored:
    """A job as it stands in the index."""

    id: str
    text: bytes
    record: Record
    progress: int = 0
    completed: int = 0
    """When it ended, ms; only what is written needs it."""


NONE: Mapping[str, Stored] = MappingProxyType({})


class Jobs:
    """Reads and writes jobs; every method may raise IndexAway.  Reports have a line of their own."""

    def __init__(self, redis: Redis, scripts: Scripts, reports: Scripts, told: Told[Stored]) -> None:
        self._redis = redis
        self._scripts = scripts
        self._reports = reports
        self._told = told
        self._at_once = CHUNK
        """Jobs in the next read."""

    async def put(self, node: str, incarnation: str, words: Sequence[Stored]) -> list[str]:
        """Take in what a node says; the ids that are refused since another alive node owns them.

        UnknownNode where this incarnation is not the registered one.
        """
        return await self._put(self._reports, node, incarnation, words)

    async def put_at_once(self, word: Stored) -> list[str]:
        """The same with one word for which somebody waits, and which stands behind no report."""
        return await self._put(self._scripts, word.record.node, word.record.incarnation, [word])

    async def _put(self, scripts: Scripts, node: str, incarnation: str, words: Sequence[Stored]) -> list[str]:
        with translated():
            refused = await scripts.run_in_turn(put_calls(node, incarnation, words, self._told))
        return [job_id for each in refused for job_id in texts(each)]

    async def miss(
        self, node: str, incarnation: str, clock: int, taken: str, ids: Sequence[str]
    ) -> list[tuple[str, str]]:
        """Note jobs that a complete report lacks; the ids and lines of those whose end can't be known any more."""
        lost: list[str] = []
        for batch in _sliced(ids, BATCH):
            with translated():
                lost += texts(await self._scripts.run("jobs_miss", node, incarnation, clock, taken, *batch))
        return list(zip(lost[::2], lost[1::2], strict=True))

    async def conclude(self, when: int, conclusions: Sequence[tuple[str, str, bytes]]) -> int:
        """Write that jobs are lost: id, the line it was concluded from, the text; how many were written."""
        count = 0
        for batch in _batches(conclusions, lambda conclusion: len(conclusion[2])):
            with translated():
                count += int(await self._scripts.run("jobs_conclude", when, *(part for job in batch for part in job)))
        return count

    async def drop(self, jobs: Sequence[tuple[str, str]], tombstone: int = 0) -> int:
        """Drop jobs that have these lines ('' for any); `tombstone` ms they may not come back."""
        count = 0
        for batch in _sliced(jobs, BATCH):
            with translated():
                count += int(await self._scripts.run("jobs_drop", tombstone, *(part for job in batch for part in job)))
        return count

    async def purge(self, ids: Sequence[str], lasts: int) -> int:
        """Drop jobs for good, which is `lasts` ms; how many there were."""
        count = 0
        for batch in _sliced(ids, BATCH):
            with translated():
                count += int(await self._scripts.run("jobs_purge", lasts, *batch))
        return count

    async def purged(self) -> set[str]:
        """The ids of the jobs that were dropped for good."""
        found, cursor = set[str](), None
        while cursor != 0:
            with translated():
                answer: Any = await self._redis.zscan(keys.key(keys.DELETED), cursor or 0, match="* [*]", count=CHUNK)
            cursor, members = answer
            found.update(member.decode().removesuffix(" *") for member, _ in members)
        return found

    async def reduce(self, jobs: Sequence[Stored]) -> int:
        """Write these texts in the place of longer ones; how many were written, for the others have changed."""
        count = 0
        for batch in _batches(jobs, _size):
            arguments = [part for job in batch for part in (job.id, job.record.line, job.text)]
            with translated():
                count += int(await self._scripts.run("jobs_reduce", *arguments))
        return count

    async def restore(self, jobs: Sequence[Stored]) -> int:
        """Write back what Redis lost; how many it had not."""
        count = 0
        for batch in _batches(jobs, _size):
            arguments = [part for job in batch for part in (job.id, job.record.line, job.completed, job.text)]
            with translated():
                count += int(await self._scripts.run("jobs_restore", *arguments))
        return count

    async def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The jobs of these ids that are in the index, each as it was at one moment."""
        found: dict[str, Stored] = {}
        start = 0
        while start < len(ids):
            part = ids[start : start + self._at_once]
            found |= await self._fetch_part(part)
            start += len(part)
        return found

    async def _fetch_part(self, ids: Sequence[str]) -> dict[str, Stored]:
        """One read, after whose size the next one is made; fewer jobs where Redis could not give so many in time."""
        try:
            found, lines = await self._read(ids)
        except IndexAway:
            self._at_once = max(1, self._at_once // 2)
            raise
        size = sum(len(text) for text in found if text is not None)
        self._at_once = max(1, min(CHUNK, CHUNK_BYTES * len(ids) // max(1, size)))
        return {job.id: job for job in _stored(ids, found, lines)}

    async def _read(self, ids: Sequence[str]) -> tuple[list[bytes | None], list[bytes | None]]:
        """Texts and owners' lines, each pair of one moment."""
        lines, found, after = await self._read_once(ids)
        for _ in range(MAX_READS):
            changed = [place for place, line in enumerate(lines) if line != after[place]]
            if not changed:
                return found, lines
            again = await self._read_once([ids[place] for place in changed])
            for place, line, text, then in zip(changed, *again, strict=True):
                lines[place], found[place], after[place] = line, text, then
        raise IndexAway("Redis changes jobs faster than they can be read")

    async def _read_once(self, ids: Sequence[str]) -> list[list[bytes | None]]:
        """Lines, texts, and lines: a line stands for one text.  (In MULTI a server without memory reads nothing.)"""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for kind in (keys.OWNERS, keys.JOBS, keys.OWNERS):
                    pipeline.hmget(keys.key(kind), list(ids))
                answers = await pipeline.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    async def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """What is known of these jobs beside their texts, where they are in the index."""
        if not ids:
            return {}
        with translated():
            lines: list[Any] = await self._redis.hmget(keys.key(keys.OWNERS), list(ids))
        read = ((job_id, read_record(job_id, line)) for job_id, line in zip(ids, lines, strict=True))
        return {job_id: record for job_id, record in read if record is not None}

    async def everything(self, known: Mapping[str, Stored] = NONE) -> AsyncIterator[dict[str, Stored]]:
        """All jobs in chunks, so that Redis is never held; what changes meanwhile is in the change log.

        What is `known` by its line is taken from there, and not read.  Redis looks for the next chunk while the one
        before is on its way.
        """
        cursor, lines = await self._some_lines(0)
        while cursor:
            chunk, (cursor, following) = await asyncio.gather(self._of_lines(lines, known), self._some_lines(cursor))
            yield chunk
            lines = following
        yield await self._of_lines(lines, known)

    async def _some_lines(self, cursor: int) -> tuple[int, list[tuple[str, bytes]]]:
        """Where to look next (0: nowhere), and ids with their lines, a chunk of them."""
        with translated():
            found: Any = await self._redis.hscan(keys.key(keys.OWNERS), cursor, count=CHUNK)
        cursor, lines = found
        return cursor, [(job_id.decode(), line) for job_id, line in lines.items()]

    async def _of_lines(self, lines: Sequence[tuple[str, bytes]], known: Mapping[str, Stored]) -> dict[str, Stored]:
        told = ((known.get(job_id), line) for job_id, line in lines)
        same = {job.id: job for job, line in told if job is not None and _is_by(job, line)}  # with the id that is there
        return same | await self.fetch([job_id for job_id, _ in lines if job_id not in same])

    async def finished(self, offset: int, most: int) -> list[tuple[str, float]]:
        """A page of the finished jobs, oldest first: id, and when it ended (ms)."""
        with translated():
            found: list[Any] = await self._redis.zrange(
                keys.key(keys.FINISHED), offset, offset + most - 1, withscores=True
            )
        return [(job_id.decode(), score) for job_id, score in found]

    async def count(self) -> int:
        with translated():
            return await self._redis.hlen(keys.key(keys.OWNERS))

    async def count_finished(self) -> int:
        with translated():
            return await self._redis.zcard(keys.key(keys.FINISHED))

    async def of_node(self, node: str) -> list[str]:
        """The ids of the jobs whose owner is that node."""
        with translated():
            return texts(await self._redis.smembers(keys.key(keys.NODE_JOBS, node)))

    async def unfinished(self) -> AsyncIterator[tuple[str, Record]]:
        """The jobs that have no end yet, by id, some perhaps twice; however many have ended, and in chunks."""
        for name in await self._unfinished_sets():
            async for ids in self._members(name):
                for job_id, record in (await self.records(ids)).items():
                    yield job_id, record

    async def _unfinished_sets(self) -> set[str]:
        """The sets of those in the states of today, and of later releases of Orthanc."""
        names = {keys.key(keys.STATE, state) for state in UNFINISHED}
        with translated():
            async for name in self._redis.scan_iter(keys.key(keys.STATE, "*"), count=CHUNK):
                names.add(name.decode())
        return names

    async def _members(self, name: str) -> AsyncIterator[list[str]]:
        """The members of a set in chunks."""
        cursor = None
        while cursor != 0:
            with translated():
                found: Any = await self._redis.sscan(name, cursor or 0, count=CHUNK)
            cursor, members = found
            yield texts(members)

    async def forget_tombstones(self, before: int) -> None:
        """Remove the tombstones that are over."""
        with translated():
            await self._redis.zremrangebyscore(keys.key(keys.DELETED), "-inf", before)


def put_calls(node: str, incarnation: str, words: Sequence[Stored], told: Told[Stored]) -> list[Call]:
    """The script calls by which a node's word is taken in."""
    return [_put_call(node, incarnation, batch, told) for batch in _batches(words, _size)]


def _put_call(node: str, incarnation: str, batch: Sequence[Stored], told: Told[Stored]) -> Call:
    arguments = [node, incarnation, *(part for word in batch for part in _put_arguments(word))]
    call = Call("jobs_put", arguments, new_word())
    told.note(call.word, batch)
    return call


def _put_arguments(word: Stored) -> tuple[str | int | bytes, ...]:
    record = word.record
    return (
        word.id,
        record.clock,
        record.stamp,
        record.state,
        record.mark,
        word.progress,
        word.completed,
        word.text,
        record.rest,
    )


def _stored(ids: Sequence[str], found: Iterable[bytes | None], lines: Iterable[bytes | None]) -> Iterable[Stored]:
    for job_id, kept, line in zip(ids, found, lines, strict=True):
        record, text = read_record(job_id, line), read_text(job_id, kept)
        if text is not None and record is not None:
            yield Stored(job_id, text, record)


def _is_by(job: Stored, line: bytes) -> bool:
    """Whether the text is the one that this line stands for.

    It names one reading of one Orthanc's, and how much of that is kept; but what was concluded here may have been
    concluded once more, in other words.
    """
    return not job.record.concluded and job.record.line.encode() == line


def _size(job: Stored) -> int:
    return len(job.text)


def _batches(items: Sequence[Item], size: Callable[[Item], int]) -> Iterator[Sequence[Item]]:
    """Slices of BATCH items and BATCH_BYTES at most, or of one item."""
    start, held = 0, 0
    for end, item in enumerate(items):
        if end > start and (end - start == BATCH or held + size(item) > BATCH_BYTES):
            yield items[start:end]
            start, held = end, 0
        held += size(item)
    if items:
        yield items[start:]


def _sliced(items: Sequence[Item], size: int) -> Iterable[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
