"""A Redis with two replicas, and three Sentinels that put one of them in its place when it fails."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .installed import redis_program
from .ports import LOOPBACK
from .process import Process

MASTER = "index"
SERVERS = 3
SENTINELS = 3
PORTS = SERVERS + SENTINELS
DOWN_AFTER = 2_000  # ms of silence

# without min-replicas-to-write: it would cost a second in each failover, and reports tell again what is lost in one
SERVER = f"""
bind {LOOPBACK}
save ""
appendonly no
repl-diskless-sync-delay 0
"""

SENTINEL = f"""
bind {LOOPBACK}
sentinel down-after-milliseconds {MASTER} {DOWN_AFTER}
sentinel failover-timeout {MASTER} 10000
sentinel parallel-syncs {MASTER} 2
"""


@dataclass
class Guard:
    """`servers` by port, of which the first is the master at first; each has a file that the Sentinels rewrite."""

    url: str
    servers: dict[int, Process]
    sentinels: dict[int, Process]


def build_guard(folder: Path, ports: list[int]) -> Guard:
    """`ports` are as many as PORTS says."""
    master, *_ = servers = ports[:SERVERS]
    sentinels = ports[SERVERS:]
    follow = f"replicaof {LOOPBACK} {master}\n"
    watch = f"sentinel monitor {MASTER} {LOOPBACK} {master} {SENTINELS // 2 + 1}\n"
    hosts = ",".join(f"{LOOPBACK}:{port}" for port in sentinels)
    return Guard(
        url=f"redis+sentinel://{hosts}/{MASTER}",
        servers={
            port: _build(f"redis-{number}", folder, port, SERVER + (follow if port != master else ""), _follows)
            for number, port in enumerate(servers, 1)
        },
        sentinels={
            port: _build(f"sentinel-{number}", folder, port, watch + SENTINEL, _knows_all, "--sentinel")
            for number, port in enumerate(sentinels, 1)
        },
    )


Question = Callable[[Redis], Awaitable[bool]]


async def _follows(server: Redis) -> bool:
    """Whether it is a master, or has found its own: one that comes later is unknown to the Sentinels for 10 s."""
    role = await server.role()
    return bool(role[0] == b"master" or role[3] == b"connected")


async def _knows_all(sentinel: Redis) -> bool:
    """And could act: it is not in its tilt, the 30 s after it was halted itself, nor busy with a failover."""
    told: Any = await sentinel.sentinel_master(MASTER)
    idle = told["flags"] == "master" and not (await sentinel.info("sentinel"))["sentinel_tilt"]
    return bool(idle and told["num-slaves"] == SERVERS - 1 and told["num-other-sentinels"] == SENTINELS - 1)


def _build(name: str, folder: Path, port: int, configuration: str, right: Question, *options: str) -> Process:
    home = folder / name
    home.mkdir(mode=0o700)
    (home / "redis.conf").write_text(f"port {port}\ndir {home}\n{configuration}")

    async def ready() -> bool:
        with suppress(RedisError, OSError):
            async with Redis(port=port, socket_timeout=1) as connection:
                return await right(connection)
        return False

    return Process(name, [str(redis_program()), str(home / "redis.conf"), *options], home / "redis.log", ready)
