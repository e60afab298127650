"""The cluster's Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .installed import redis_program
from .ports import LOOPBACK
from .probes import listens
from .process import Process


@dataclass
class Redis:
    """Keeps nothing over a restart, unless its options say so."""

    url: str
    port: int
    process: Process


def build_redis(folder: Path, port: int, options: Sequence[str] = ()) -> Redis:
    """`options` are further arguments of the server, such as `--appendonly yes`."""
    command = [str(redis_program()), "--port", str(port), "--bind", LOOPBACK, "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no", *options]

    async def ready() -> bool:
        return await listens(LOOPBACK, port)

    process = Process("redis", command, folder / "redis.log", ready)
    return Redis(redis_url(port), port, process)


def redis_url(port: int) -> str:
    return f"redis://{LOOPBACK}:{port}/0"
