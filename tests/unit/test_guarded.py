"""A whole replica on Redis with Sentinel as it should be run: shipped users everywhere, TLS everywhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobindex.demo.installed import redis_program
from jobindex.demo.ports import LOOPBACK, free_ports
from jobindex.demo.process import Process
from jobindex.model.index_server import faults
from jobindex.store import opened
from jobindex.store.tls import Tls

from ..access import SENTINEL_USERS, USERS, filled, password, with_a_way_behind
from ..builders import job_id
from ..certificates import Authority
from . import waiting
from .scripted_orthanc import scripted
from .waiting import until
from .web.replica import Replica, replica_on
from .words import job

SERVER = """
port 0
tls-port {port}
bind 127.0.0.1
dir {home}
aclfile {home}/users.acl
appendonly yes
masteruser replica
masterauth {replica}
repl-diskless-sync-delay 0
"""
SENTINEL = """
port 0
tls-port {port}
bind 127.0.0.1
dir {home}
aclfile {home}/users.acl
sentinel monitor index 127.0.0.1 {master} 1
sentinel auth-user index sentinel
sentinel auth-pass index {sentinel}
sentinel sentinel-user sentinel
sentinel sentinel-pass {sentinel}
sentinel down-after-milliseconds index 500
sentinel failover-timeout index 3000
"""
TLS = """
tls-replication yes
tls-ca-cert-file {authority}
tls-cert-file {certificate}
tls-key-file {key}
tls-auth-clients yes
"""


class Guard:
    """A master, a replica of it and a Sentinel."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = Authority(folder)
        self._shown = self._authority.gives("redis", LOOPBACK)
        self.ports = master, second, sentinel = free_ports(3)
        follows = f"replicaof {LOOPBACK} {master}\n"
        self.master = self._build("master", master, SERVER, filled(USERS))
        self.second = self._build("second", second, SERVER + follows, with_a_way_behind(USERS))
        self.sentinel = self._build("sentinel", sentinel, SENTINEL, filled(SENTINEL_USERS), "--sentinel")

    @property
    def url(self) -> str:
        word = password("jobindex")
        login = f"sentinel_user=jobindex&sentinel_password={word}"
        return f"rediss+sentinel://jobindex:{word}@{LOOPBACK}:{self.ports[2]}/index?{login}"

    @property
    def files(self) -> dict[str, Path]:
        """The settings of a replica."""
        return {
            "redis_ca_file": self._authority.file,
            "redis_certificate_file": self._shown.certificate,
            "redis_key_file": self._shown.key,
        }

    def asked(self, port: int) -> Redis:
        """As the default user: who is let in by the second server alone."""
        return Redis(
            host=LOOPBACK,
            port=port,
            ssl=True,
            ssl_ca_certs=str(self._authority.file),
            ssl_certfile=str(self._shown.certificate),
            ssl_keyfile=str(self._shown.key),
        )

    def _build(self, name: str, port: int, configuration: str, users: str, *options: str) -> Process:
        home = self._folder / name
        home.mkdir()
        (home / "users.acl").write_text(users)
        places = {
            "port": port,
            "home": home,
            "master": self.ports[0],
            "replica": password("replica"),
            "sentinel": password("sentinel"),
            "authority": self._authority.file,
            "certificate": self._shown.certificate,
            "key": self._shown.key,
        }
        (home / "redis.conf").write_text((configuration + TLS).format(**places))

        async def ready() -> bool:
            return await self._ready(name, port)

        return Process(name, [str(redis_program()), str(home / "redis.conf"), *options], home / "log", ready)

    async def _ready(self, name: str, port: int) -> bool:
        """The second server when it follows the master; of the others only that they want a password."""
        try:
            async with self.asked(port) as redis:
                return bool((await redis.role())[3] == b"connected")
        except RedisError as error:
            return name != "second" and "authenticated" in str(error)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handshakes and elections take longer on a machine that is busy."""
    monkeypatch.setattr("jobindex.store.connect.COMMAND_TIMEOUT", 6.0)
    monkeypatch.setattr("jobindex.store.master.SENTINEL_WITHIN", 6.0)
    monkeypatch.setattr(waiting, "DEADLINE", 60.0)


@pytest.fixture
async def guard(tmp_path: Path) -> AsyncIterator[Guard]:
    guard = Guard(tmp_path)
    parts = [guard.master, guard.second, guard.sentinel]
    try:
        for part in parts:
            await part.start()
        yield guard
    finally:
        await asyncio.gather(*(part.stop() for part in parts))


async def test_reports_and_lists_survive_a_failover_with_the_shipped_users(guard: Guard) -> None:
    async with settled(guard), scripted(login=True) as orthanc, replica_on(guard.url, **guard.files) as replica:
        assert (await replica.report("a", job(1), at=orthanc)).status == 200
        assert (await replica.get("/jobs")).json == [job_id(1)]
        assert "Warnings" not in (await replica.ask_inside("GET", "/-/ready")).json

        await guard.master.kill()
        await until(lambda: _promoted(guard))
        await until(lambda: _reports(replica))
        assert sorted((await replica.get("/jobs")).json) == [job_id(1), job_id(2)]
    async with guard.asked(guard.ports[1]) as redis:
        refused = [entry for entry in await redis.acl_log() if entry["username"] in ("jobindex", "sentinel")]
        assert refused == []


async def test_the_shipped_users_are_enough_for_the_doctor(guard: Guard) -> None:
    async with settled(guard), opened(guard.url, Tls(*guard.files.values())) as store:
        await store.changes.begin()
        assert await store.server.quorum() == {f"{LOOPBACK}:{guard.ports[2]}": ""}
        assert await store.server.lacking() == await store.server.excess() == []
        assert await store.server.breaches() == []
        assert faults(await store.server.described()) == []
        await guard.sentinel.stop()
        assert await store.server.quorum() != {f"{LOOPBACK}:{guard.ports[2]}": ""}


@asynccontextmanager
async def settled(guard: Guard) -> AsyncIterator[None]:
    """Once the Sentinel knows the second server, without which it has nobody to promote."""
    state = guard.sentinel.log.parent / "redis.conf"  # the Sentinel writes there whom it knows
    await until(lambda: f"known-replica index {LOOPBACK} {guard.ports[1]}" in state.read_text())
    yield


async def _promoted(guard: Guard) -> bool:
    async with guard.asked(guard.ports[1]) as redis:
        return bool((await redis.role())[0] == b"master")


async def _reports(replica: Replica) -> bool:
    return (await replica.report("a", job(2))).status == 200
