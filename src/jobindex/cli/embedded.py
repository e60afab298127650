"""A Redis of our own, for a replica that is given none."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis

log = logging.getLogger(__name__)


@asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[str]:
    """Its address; it keeps an append-only file in the folder `data` and ends with us.  Only one replica can use it."""
    redis = build_redis(data, free_port(), ["--appendonly", "yes"])
    await redis.process.start()
    log.warning("REDIS_URL is not set: this replica runs a Redis of its own, for itself alone, in %s", data)
    try:
        yield redis.url
    finally:
        await redis.process.stop()
