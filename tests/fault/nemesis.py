"""Does harm to the parts of a cluster, and writes down from when to when.

Law: each harm is a block, at whose end it is undone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis as Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jobindex.demo.cluster import Cluster
from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.layout import REDIS
from jobindex.demo.ports import LOOPBACK
from jobindex.demo.process import Process
from jobindex.demo.redis import redis_url
from jobindex.demo.sentinel import MASTER

from .history import History
from .network import Network


class Nemesis:
    """Parts go by their names, as in the cluster: orthanc-a, replica-1, redis, nginx, sentinel-1 ..."""

    def __init__(self, cluster: Cluster, network: Network, history: History) -> None:
        self._cluster = cluster
        self._network = network
        self._history = history
        guard = cluster.guard
        servers = [*guard.servers.values(), *guard.sentinels.values()] if guard else [cluster.redis.process]
        front = [cluster.nginx] if cluster.nginx else []
        parts = [*cluster.nodes.values(), *cluster.replicas.values(), *front]
        self.processes: dict[str, Process] = {each.name: each for each in [*servers, *(part.process for part in parts)]}

    # Processes.

    @asynccontextmanager
    async def killed(self, *parts: str) -> AsyncIterator[None]:
        """`kill -9`; in the end they are started anew."""
        async with self._noted("killed", *parts):
            await self._end(parts, Process.kill)
            try:
                yield
            finally:
                await self._start(parts)

    @asynccontextmanager
    async def stopped(self, *parts: str) -> AsyncIterator[None]:
        """Asked to end; in the end they are started anew."""
        async with self._noted("stopped", *parts):
            await self._end(parts, Process.stop)
            try:
                yield
            finally:
                await self._start(parts)

    @asynccontextmanager
    async def frozen(self, *parts: str) -> AsyncIterator[None]:
        """SIGSTOP: connections still come about, since the kernel makes them."""
        async with self._noted("frozen", *parts):
            try:
                for part in parts:
                    self.processes[part].freeze()
                yield
            finally:
                for part in parts:
                    self.processes[part].thaw()

    async def restart(self, part: str) -> None:
        """As an operator does it."""
        async with self.stopped(part):
            pass

    async def _end(self, parts: tuple[str, ...], how: Callable[[Process], Awaitable[None]]) -> None:
        """Where no process is, connections are refused; where it is being asked to end, they are not yet."""
        if how is Process.kill:
            self._network.bad(FaultProxy.refuse, target=parts)
        await asyncio.gather(*(how(self.processes[part]) for part in parts))
        self._network.bad(FaultProxy.refuse, target=parts)

    async def _start(self, parts: tuple[str, ...]) -> None:
        await self._network.heal(target=parts)
        await asyncio.gather(*(self.processes[part].start() for part in parts))

    # The network.

    @asynccontextmanager
    async def cut(
        self, how: Callable[[FaultProxy], None], source: tuple[str, ...] = (), target: tuple[str, ...] = ()
    ) -> AsyncIterator[None]:
        """Links from and to these parts, of all where none is named, go bad in one of the ways of FaultProxy."""
        name = getattr(how, "__name__", "cut")
        async with self._noted(name, "-".join((*source, "to", *target))):
            try:
                self._network.bad(how, source, target)
                yield
            finally:
                await self._network.heal(source, target)

    # Redis.

    async def empty(self) -> None:
        async with self._noted("emptied", "redis"), self.master() as redis:
            await redis.flushall()

    async def fail_over(self) -> None:
        """As an operator orders it: from a master that is well."""
        before = await self.master_port()
        guard = self._cluster.guard
        assert guard is not None
        async with self._noted("failover", "redis"), _brief(next(iter(guard.sentinels))) as sentinel:
            await sentinel.execute_command("SENTINEL", "FAILOVER", MASTER)
            async with asyncio.timeout(20):
                while await self.master_port() in (None, before):
                    await asyncio.sleep(0.1)

    @asynccontextmanager
    async def setting(self, name: str, value: str) -> AsyncIterator[None]:
        """Redis with another setting; where that is a password, this connection needs none."""
        async with self._noted(name, "redis"), self.master() as redis:
            own = (await redis.config_get(name))[name]
            await redis.config_set(name, value)
            try:
                yield
            finally:
                await redis.config_set(name, own)

    async def hang_up(self) -> None:
        """Every connection to a single Redis breaks."""
        async with self.cut(FaultProxy.reset, target=(REDIS,)):
            pass

    @asynccontextmanager
    async def master(self) -> AsyncIterator[Connection]:
        """A connection to whichever server takes writes; TimeoutError where none does for ten seconds."""
        async with asyncio.timeout(10):
            while (port := await self.master_port()) is None:
                await asyncio.sleep(0.1)
        async with Connection.from_url(redis_url(port)) as redis:
            yield redis

    async def master_port(self) -> int | None:
        """None while there is none that the Sentinels agree on."""
        guard = self._cluster.guard
        if guard is None:
            return self._cluster.redis.port
        told = {port for sentinel in guard.sentinels if (port := await _told_master(sentinel))}
        port = told.pop() if len(told) == 1 else None
        return port if port and await _is_master(port) else None

    async def master_name(self) -> str:
        guard = self._cluster.guard
        async with self.master() as redis:
            port = redis.connection_pool.connection_kwargs["port"]
        return guard.servers[port].name if guard else "redis"

    @asynccontextmanager
    async def _noted(self, name: str, *parts: str) -> AsyncIterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            for part in parts:
                self._history.add_fault(name, part, began)


async def _told_master(sentinel: int) -> int | None:
    """None where it doesn't answer."""
    with suppress(RedisError, OSError):
        async with _brief(sentinel) as connection:
            told = await connection.execute_command("SENTINEL", "get-master-addr-by-name", MASTER)
            return int(told[1]) if told else None
    return None


async def _is_master(port: int) -> bool:
    with suppress(RedisError, OSError):
        async with _brief(port) as connection:
            return bool((await connection.role())[0] == b"master")
    return False


def _brief(port: int) -> Connection:
    return Connection(host=LOOPBACK, port=port, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
