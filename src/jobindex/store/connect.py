"""How Redis is reached: time-outs, retries and errors, decided once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from jobindex.errors import IndexAway, NodeConflict, UnknownNode
from jobindex.store.address import read_sentinels
from jobindex.store.master import Master, ToMaster, ToMasterByTls

COMMAND_TIMEOUT = 0.8
"""Seconds for one command; redis-py's own 5 s times 10 tries would hold a request for a minute."""
TAIL_BLOCK = 1.0
"""Seconds that the reader of the change log waits for news; an emptied Redis gives none, so then it looks up."""
MOST_CONNECTIONS = 32
"""Further commands wait for one of these, for COMMAND_TIMEOUT at most: nothing queues without bound."""

_REFUSALS = {"UNKNOWN_NODE": UnknownNode, "NODE_CONFLICT": NodeConflict}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[Redis, Redis]]:
    """Two clients: one for commands, and one for the reader of the change log, who waits for what comes.

    They connect when first used, so Redis may come later than we do.  A command whose connection broke is sent once
    more (every script may run twice); one that timed out is not, since whoever asked has waited long enough.
    """
    once_more = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), 1, supported_errors=(RedisConnectionError,))
    never = Retry(NoBackoff(), 0)
    async with (
        _pools(url) as pool,
        Redis.from_pool(pool(MOST_CONNECTIONS, COMMAND_TIMEOUT, once_more)) as commands,
        Redis.from_pool(pool(2, TAIL_BLOCK + COMMAND_TIMEOUT, never)) as tail,
    ):
        yield commands, tail


Pool = Callable[[int, float, Retry], BlockingConnectionPool]


@asynccontextmanager
async def _pools(url: str) -> AsyncIterator[Pool]:
    """What makes pools of connections to one server, or to whichever is the master."""
    sentinels = read_sentinels(url)
    if sentinels is None:
        yield lambda most, timeout, retry: BlockingConnectionPool.from_url(url, **_options(most, timeout, retry))
        return
    master = Master(sentinels)
    where: dict[str, Any] = {
        "db": sentinels.db,
        "username": sentinels.user,
        "password": sentinels.password,
        "master": master,
    }
    kind = ToMasterByTls if sentinels.tls else ToMaster
    watching = asyncio.create_task(master.watch(), name="master watch")
    try:
        yield lambda most, timeout, retry: BlockingConnectionPool(
            connection_class=kind, **where, **_options(most, timeout, retry)
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await master.close()


def _options(most: int, timeout: float, retry: Retry) -> dict[str, Any]:
    return {
        "max_connections": most,
        "timeout": COMMAND_TIMEOUT,
        "socket_timeout": timeout,
        "socket_connect_timeout": COMMAND_TIMEOUT / 2,
        "retry": retry,
    }


@contextmanager
def translated() -> Iterator[None]:
    """Redis's errors in our words: a script's refusal by its code word, everything else as `IndexAway`."""
    try:
        yield
    except ResponseError as error:
        word, _, message = str(error).partition(" ")
        if word in _REFUSALS:
            raise _REFUSALS[word](message.split(" script:")[0]) from error
        raise IndexAway(f"Redis refused: {word}") from error
    except (RedisError, OSError, TimeoutError) as error:
        raise IndexAway(f"Redis can't be asked: {type(error).__name__}") from error
    _heed_cancellation()


def _heed_cancellation() -> None:
    """redis-py sends through `asyncio.wait_for`, which before Python 3.12 may swallow a cancellation as it ends."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
