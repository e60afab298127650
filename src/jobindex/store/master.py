"""The master that Sentinels have agreed on, and connections that always go to it.

redis-py's own Sentinel connections try again at the *old* address when a command fails (redis-py 3874), which
lost thousands of writes when tried; these ask for the address before every connection.
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from redis.asyncio import Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from jobindex.store.address import Sentinels
from jobindex.store.packing import Packed
from jobindex.store.reasons import reason, reply
from jobindex.store.tls import Tls

log = logging.getLogger(__name__)

SENTINEL_WITHIN = 0.5
ANNOUNCED_COUNTS = 5.0
"""Seconds that an announcement is believed rather than the Sentinels, which are slower to agree."""
AGAIN = 1.0


class Master:
    """Knows where the master is: from the announcement of a change, else by asking the Sentinels."""

    def __init__(self, sentinels: Sentinels, tls: Tls) -> None:
        self._sentinels = sentinels
        self._options: dict[str, Any] = {
            "socket_timeout": SENTINEL_WITHIN,
            "socket_connect_timeout": SENTINEL_WITHIN,
            "retry": Retry(NoBackoff(), 0),
            "username": sentinels.sentinel_user,
            "password": sentinels.sentinel_password,
            "driver_info": None,
            **({"ssl": True, **tls.options()} if sentinels.tls else {}),
        }
        self._asked = Sentinel(list(sentinels.hosts), sentinel_kwargs=self._options)  # type: ignore[no-untyped-call]  # redis-py's
        self._announced: tuple[str, int] | None = None
        self._believed_until = 0.0
        self.generation = 0
        """Counts the announced changes; a connection of an older one is at the old master."""
        self.connections: WeakSet[ToMaster] = WeakSet()

    async def address(self) -> tuple[str, int]:
        """Where to connect; redis-py's ConnectionError where no Sentinel knows."""
        if self._announced is not None and time.monotonic() < self._believed_until:
            return self._announced
        try:
            host, port = await self._asked.discover_master(self._sentinels.master)
        except MasterNotFoundError as error:
            asked = ", ".join(f"asked of {host}:{port}" for host, port in self._sentinels.hosts)
            raise MasterNotFoundError(f"No master found; {asked}") from error
        return str(host), int(port)

    async def quorum(self) -> dict[str, str]:
        """Each Sentinel by host and port, and why it could not put another master in place; "" where it could."""
        hosts = [f"{host}:{port}" for host, port in self._sentinels.hosts]
        asked = Sentinel(self._sentinels.hosts, sentinel_kwargs=self._options)  # type: ignore[no-untyped-call]  # redis-py's
        said = await asyncio.gather(*(self._quorum_of(sentinel) for sentinel in asked.sentinels))
        return dict(zip(hosts, said, strict=True))

    async def _quorum_of(self, sentinel: Any) -> str:
        try:
            async with sentinel:
                await sentinel.execute_command("SENTINEL CKQUORUM", self._sentinels.master)
        except ResponseError as error:
            return reply(error)
        except (RedisError, OSError, TimeoutError) as error:
            return reason(error)
        return ""

    async def watch(self) -> None:
        """Listen for changes at every Sentinel, until cancelled: they announce one up to a second apart."""
        await asyncio.gather(*(self._keep_listening(sentinel) for sentinel in self._asked.sentinels))

    async def close(self) -> None:
        for sentinel in self._asked.sentinels:
            await sentinel.aclose()

    async def _keep_listening(self, sentinel: "Redis") -> None:
        while True:
            with suppress(RedisError, OSError):
                await self._listen(sentinel)
            await asyncio.sleep(AGAIN)

    async def _listen(self, sentinel: "Redis") -> None:
        async with sentinel.pubsub() as channel:
            await channel.subscribe("+switch-master")
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=SENTINEL_WITHIN / 2)
                if message is None:
                    await channel.ping()
                elif message["type"] == "message":  # and not the answer to a ping
                    self._note(message["data"].decode())

    def _note(self, told: str) -> None:
        """`master old-host old-port new-host new-port`: the message itself is newer than any Sentinel's answer."""
        name, _, _, host, port = told.split(" ")
        if name != self._sentinels.master:
            return
        if self._announced != (host, int(port)):
            self._announced = (host, int(port))
            self.generation += 1
            log.warning("the master of Redis is now %s:%s", host, port)
            for connection in self.connections:
                connection.leave()
        self._believed_until = time.monotonic() + ANNOUNCED_COUNTS


class ToMaster(Packed):
    """A connection that asks where the master is before each time it connects, and leaves one that is none any more."""

    def __init__(self, *, master: Master, **options: Any) -> None:
        super().__init__(**options)
        self._master = master
        self._generation = -1
        master.connections.add(self)

    def leave(self) -> None:
        """Break off: whoever waits for the answer of a server that is frozen need not wait any longer."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _connect(self) -> None:
        self._generation = self._master.generation
        self.host, self.port = await self._master.address()
        await super()._connect()

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if self._generation != self._master.generation and self.is_connected:
            await self.disconnect()
        await super().send_packed_command(command, check_health)

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        """A server that is read-only, or has lost its replicas, is perhaps no master any more: look again."""
        try:
            return await super().read_response(*arguments, **options)
        except ResponseError as error:
            if isinstance(error, ReadOnlyError) or str(error).startswith("NOREPLICAS"):
                await self.disconnect()
                raise RedisConnectionError("this server is not the master any more") from error
            raise


class ToMasterByTls(ToMaster, SSLConnection):
    """The same with TLS."""
