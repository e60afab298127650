"""How Redis is reached: time-outs, retries and errors, decided once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError, ResponseError

from jobindex.errors import IndexAway, NodeConflict, UnknownNode

COMMAND_TIMEOUT = 1.0
"""Seconds for one command; redis-py's own 5 s times 10 tries would hold a request for a minute."""
TAIL_BLOCK = 1.0
"""Seconds that the reader of the change log waits for news; an emptied Redis gives none, so then it looks up."""

_REFUSALS = {"UNKNOWN_NODE": UnknownNode, "NODE_CONFLICT": NodeConflict}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    """A client for commands.  It connects when first used, so Redis may come later than we do."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), 1)
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=COMMAND_TIMEOUT,
        socket_timeout=COMMAND_TIMEOUT,
        socket_connect_timeout=COMMAND_TIMEOUT / 2,
        retry=retry,
    )
    async with Redis.from_pool(pool) as redis:
        yield redis


@asynccontextmanager
async def connected_tail(url: str) -> AsyncIterator[Redis]:
    """A client that waits for changes; it never tries again by itself, because its reader does."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=2,
        timeout=COMMAND_TIMEOUT,
        socket_timeout=TAIL_BLOCK + COMMAND_TIMEOUT,
        socket_connect_timeout=COMMAND_TIMEOUT / 2,
        retry=Retry(NoBackoff(), 0),
    )
    async with Redis.from_pool(pool) as redis:
        yield redis


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
