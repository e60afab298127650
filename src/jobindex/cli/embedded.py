"""A Redis of our own, for a replica that is given none."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jobindex.cli.setting_form import example
from jobindex.demo.ports import free_port
from jobindex.demo.process import NotStarted
from jobindex.demo.redis import Redis, build_redis

log = logging.getLogger(__name__)


class NoRedis(Exception):
    """REDIS_URL names none, and one of our own can't be had; the text says how to mend that."""


@asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[str]:
    """Its address; it keeps an append-only file in the folder `data` and ends with us.  Only one replica can use it."""
    redis = await _started(data)
    log.warning("REDIS_URL is not set: this replica runs a Redis of its own, for itself alone, in %s", data)
    try:
        yield redis.url
    finally:
        await redis.process.stop()


async def _started(data: Path) -> Redis:
    try:
        _make(data)
        redis = build_redis(data, free_port(), ["--appendonly", "yes"])
        await redis.process.start()
    except OSError as error:
        raise NoRedis(f"JOBINDEX_DATA names {data}: {error.strerror}; wanted: {_FOLDER}") from error
    except NotStarted as error:
        raise NoRedis(f"REDIS_URL is not set, and no Redis of our own can run: {error}; set {_ADDRESS}") from error
    return redis


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


_FOLDER = f"a folder that this user may write, for example {example('data')}"
_ADDRESS = f"REDIS_URL, for example {example('redis_url')}"
