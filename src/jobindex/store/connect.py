"""How Redis is reached: time-outs, retries and errors, decided once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from jobindex.errors import IndexFull, IndexRefused, JobIndexError, NodeConflict, UnknownNode
from jobindex.store.address import Sentinels, read_sentinels, without_login
from jobindex.store.master import Master, ToMaster, ToMasterByTls
from jobindex.store.packing import packed
from jobindex.store.reasons import mend, reply, unreachable
from jobindex.store.tls import Tls

COMMAND_TIMEOUT = 0.8
"""Seconds for one command; redis-py's own 5 s times 10 tries would hold a request for a minute."""
TAIL_BLOCK = 1.0
"""Seconds that the reader of the change log waits for news; an emptied Redis gives none, so then it looks up."""
MOST_CONNECTIONS = 32
"""Further commands wait for one of these, for COMMAND_TIMEOUT at most: nothing queues without bound."""

_REFUSALS = {"UNKNOWN_NODE": UnknownNode, "NODE_CONFLICT": NodeConflict}


@dataclass(frozen=True, slots=True)
class Clients:
    """One for commands; one for the reader of the change log, who waits for what comes; one that logs in as nobody."""

    commands: Redis
    tail: Redis
    nobody: Redis
    master: Master | None = None


@asynccontextmanager
async def connected(url: str, tls: Tls | None = None) -> AsyncIterator[Clients]:
    """The clients of one address.

    They connect when first used, so Redis may come later than we do.  A command whose connection broke is sent once
    more (every script may run twice); one that timed out is not, since whoever asked has waited long enough.
    """
    once_more = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), 1, supported_errors=(RedisConnectionError,))
    never = Retry(NoBackoff(), 0)
    async with (
        _pools(url, tls or Tls()) as (pool, master),
        Redis.from_pool(pool(MOST_CONNECTIONS, COMMAND_TIMEOUT, once_more)) as commands,
        Redis.from_pool(pool(2, TAIL_BLOCK + COMMAND_TIMEOUT, never)) as tail,
        Redis.from_pool(pool(1, COMMAND_TIMEOUT, never, login=False)) as nobody,
    ):
        yield Clients(commands, tail, nobody, master)


class Pool(Protocol):
    """Makes a pool of so many connections, which wait so long and try again so."""

    def __call__(self, most: int, timeout: float, retry: Retry, *, login: bool = True) -> BlockingConnectionPool: ...


@asynccontextmanager
async def _pools(url: str, tls: Tls) -> AsyncIterator[tuple[Pool, Master | None]]:
    """What makes pools of connections to one server, or to whichever is the master."""
    sentinels = read_sentinels(url)
    if sentinels is None:
        yield _to_server(url, tls), None
        return
    master = Master(sentinels, tls)
    watching = asyncio.create_task(master.watch(), name="master watch")
    try:
        yield _to_master(sentinels, master, tls), master
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await master.close()


def _to_server(url: str, tls: Tls) -> Pool:
    secure = tls.options() if url.startswith("rediss:") else {}

    def pool(most: int, timeout: float, retry: Retry, *, login: bool = True) -> BlockingConnectionPool:
        address = url if login else without_login(url)
        return packed(BlockingConnectionPool.from_url(address, **secure, **_options(most, timeout, retry)))

    return pool


def _to_master(sentinels: Sentinels, master: Master, tls: Tls) -> Pool:
    kind = ToMasterByTls if sentinels.tls else ToMaster
    where: dict[str, Any] = {"db": sentinels.db, "master": master, **(tls.options() if sentinels.tls else {})}
    named: dict[str, Any] = {"username": sentinels.user, "password": sentinels.password}

    def pool(most: int, timeout: float, retry: Retry, *, login: bool = True) -> BlockingConnectionPool:
        who = named if login else {}
        return BlockingConnectionPool(connection_class=kind, **where, **who, **_options(most, timeout, retry))

    return pool


def _options(most: int, timeout: float, retry: Retry) -> dict[str, Any]:
    return {
        "max_connections": most,
        "timeout": COMMAND_TIMEOUT,
        "socket_timeout": timeout,
        "socket_connect_timeout": COMMAND_TIMEOUT / 2,
        "retry": retry,
        "driver_info": None,  # what only Redis 7.2 understands, and an ACL would refuse
    }


@contextmanager
def translated() -> Iterator[None]:
    """Redis's errors in our words: a script's refusal by its code word, everything else as `IndexUnreachable`."""
    try:
        yield
    except ResponseError as error:
        raise _refusal(error) from error
    except BusyLoadingError as error:
        raise IndexRefused(reply(error), mend(reply(error))) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise unreachable(error) from error
    _heed_cancellation()


def _refusal(error: ResponseError) -> JobIndexError:
    said = reply(error)
    word, _, message = said.partition(" ")
    if word in _REFUSALS:
        return _REFUSALS[word](message)
    kind = IndexFull if isinstance(error, OutOfMemoryError) else IndexRefused
    return kind(said, mend(said))


def _heed_cancellation() -> None:
    """redis-py sends through `asyncio.wait_for`, which before Python 3.12 may swallow a cancellation as it ends."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
