"""The change log, by which every replica's view follows the index, and the version that readers wait for."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.asyncio import Redis

from jobindex.store import keys
from jobindex.store.connect import COMMAND_TIMEOUT, TAIL_BLOCK, translated
from jobindex.store.line import Line
from jobindex.store.scripts import Call, Scripts, new_word

_LOG = keys.key(keys.CHANGES)
_STANDING = (keys.key(keys.EPOCH), keys.key(keys.VERSION), keys.key(keys.SUBMITTING))
MOST = 2000
"""Changes in one read."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the index stands: its epoch, when that began (ms of Redis's clock), and its version."""

    epoch: str
    began: int
    version: int


class Standing(NamedTuple):
    """Where the index stands (None while nothing has ever been written), and whether a submission counts."""

    head: Head | None
    submitting: bool


class Change(NamedTuple):
    """One entry: the version it makes, its kind (job, gone, node, epoch), whom it is about, and which call made it."""

    version: int
    kind: str
    id: str
    by: str = ""
    state: str = ""


class Changes:
    """Reads the change log; every method may raise IndexAway."""

    def __init__(self, redis: Redis, tail: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._tail = Line(tail.connection_pool, TAIL_BLOCK + COMMAND_TIMEOUT)
        self._head = Line(redis.connection_pool)
        self._scripts = scripts

    async def begin(self) -> None:
        """See to it that there is an epoch, as every write does, and that Redis takes what is new.

        IndexFull where there is an epoch and no memory, IndexAway also where Redis answers but takes no writes.
        """
        with translated():
            await self._scripts.run_in_turn([Call(verb, (), new_word()) for verb in ("epoch_begin", "index_try")])

    async def head(self) -> Head | None:
        """Where the index stands; None while nothing has ever been written."""
        return (await self.standing()).head

    async def standing(self) -> Standing:
        """All that a list needs to know before it is answered, in one question."""
        with translated():
            found: list[Any] = await self._head.ask("MGET", *_STANDING)
        epoch, version, submitting = found
        if epoch is None or version is None:
            return Standing(None, submitting is not None)
        word, began, _ = epoch.decode().split(" ", maxsplit=2)
        return Standing(Head(word, int(began), int(version)), submitting is not None)

    async def now(self) -> int:
        """Redis's clock, ms."""
        with translated():
            seconds, micros = await self._redis.time()
        return seconds * 1000 + micros // 1000

    async def after(self, version: int) -> list[Change]:
        """The changes after `version`, waiting for the next one if there is none; [] when none came in time."""
        block = round(TAIL_BLOCK * 1000)
        with translated():
            answer: Any = await self._tail.ask("XREAD", "COUNT", MOST, "BLOCK", block, "STREAMS", _LOG, f"{version}-0")
        if not answer:
            return []
        entries = answer[0][1] if isinstance(answer, list) else answer[_LOG.encode()]
        return [_change(entry_id, told) for entry_id, told in entries]


def _change(entry_id: bytes, told: list[bytes]) -> Change:
    """What somebody else wrote there, or a newer version means, has a kind that nobody looks for."""
    words = iter(told)
    found = dict(zip(words, words, strict=False)).get
    version = int(entry_id.partition(b"-")[0])
    kind, about, by, state = (found(name, b"").decode() for name in (b"kind", b"id", b"by", b"state"))
    return Change(version, kind, about, by, state)
