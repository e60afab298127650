"""A proxy that has decided, before real Orthancs whose operators share their tokens; by default none leaves Orthanc."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import redis.asyncio
from caller import Caller, calling, eventually, finished

from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault
from jobindex.demo.checkout import JOBS_PLUGIN
from jobindex.demo.cluster import Cluster, Plan
from jobindex.demo.installed import NotInstalled, orthanc_python
from jobindex.demo.orthanc import Node
from jobindex.demo.ports import free_ports
from jobindex.demo.replica import Replica, build_replica

ANN = {"X-Forwarded-User": "ann", "Accept-Encoding": "identity"}
PROXY = "127.0.0.2"
TRUST = {"JOBINDEX_CALLERS": "trust", "JOBINDEX_PROXIES": json.dumps([f"{PROXY}/32"])}
SECRET = "the secret of this cluster"


@dataclass
class Trusted:
    """A cluster of two Orthancs, its two replicas, and whom the first of them takes for a proxy."""

    cluster: Cluster
    replicas: list[Replica]
    proxy: Caller

    @property
    def nodes(self) -> list[Node]:
        return list(self.cluster.nodes.values())


@pytest.fixture
async def trusted(start, tmp_path: Path) -> AsyncIterator[Trusted]:
    """Both replicas write all that they have to say into their logs."""
    (tmp_path / "secret").write_text(SECRET)
    ports = free_ports(4)
    section = {
        "Urls": [f"http://127.0.0.1:{port}" for port in ports[1::2]],
        "SecretFile": str(tmp_path / "secret"),
        "ShareToken": True,
    }
    plan = Plan(nodes=2, replicas=0, nginx=False, plugin=False, options=plugged(section))
    async with start(plan) as cluster:
        settings = {**TRUST, "JOBINDEX_LOG_LEVEL": "debug", "JOBINDEX_SECRET_FILE": str(tmp_path / "secret")}
        pairs = {"replica-1": (ports[0], ports[1]), "replica-2": (ports[2], ports[3])}
        replicas = [build_replica(name, tmp_path, pair, cluster.redis.url, settings) for name, pair in pairs.items()]
        async with started(replicas), through_proxy(replicas[0]) as proxy:
            await eventually(lambda: knows(proxy, 2))
            yield Trusted(cluster, replicas, proxy)


def plugged(section: dict[str, object]) -> dict[str, object]:
    """The options of Orthancs with the project's plugin."""
    try:
        return {"Plugins": [str(orthanc_python())], "PythonScript": str(JOBS_PLUGIN), "JobIndex": section}
    except NotInstalled as missing:
        pytest.skip(str(missing))


@asynccontextmanager
async def started(replicas: list[Replica]) -> AsyncIterator[None]:
    try:
        await asyncio.gather(*(replica.process.start() for replica in replicas))
        yield
    finally:
        await asyncio.gather(*(replica.process.stop() for replica in replicas))


@asynccontextmanager
async def through_proxy(replica: Replica) -> AsyncIterator[Caller]:
    connector = aiohttp.TCPConnector(local_addr=(PROXY, 0))
    async with aiohttp.ClientSession(headers=ANN, connector=connector) as session:
        yield Caller(session, replica.public_url)


async def knows(proxy: Caller, nodes: int) -> bool:
    return sum(node["State"] == "Alive" for node in await proxy.json("/job-index/nodes")) == nodes


async def incarnation(proxy: Caller, node: Node) -> str:
    (told,) = [each for each in await proxy.json("/job-index/nodes") if each["ID"].endswith(f"-{node.port}")]
    return str(told["Incarnation"])


async def archived(trusted: Trusted, node: Node) -> str:
    """The id of a job of this node that has made an archive."""
    async with calling(node.url) as orthanc:
        job = await orthanc.archive(await orthanc.upload())
    assert (await finished(trusted.proxy, job))["State"] == "Success"
    return job


async def list_act_and_download(trusted: Trusted) -> None:
    """A job of each node, through both replicas."""
    jobs = {await archived(trusted, node) for node in trusted.nodes}
    assert set(await trusted.proxy.json("/jobs")) == jobs
    async with through_proxy(trusted.replicas[1]) as second:
        for job in jobs:
            status, body, _ = await second.ask("GET", f"/jobs/{job}/archive")
            assert (status, body[:2]) == (200, b"PK")
            assert (await trusted.proxy.ask("POST", f"/jobs/{job}/cancel"))[0] == 200


async def opened(connection: redis.asyncio.Redis, node: dict[str, str]) -> bytes:
    """A node's token, without the word before it."""
    sealed = await connection.get(f"{{jobindex}}:token:{node['ID']}")
    token = Vault(Keyring(SECRET)).open(node["ID"], node["Incarnation"], sealed)
    assert token is not None
    assert token.startswith("Bearer ")
    return token.removeprefix("Bearer ").encode()


async def test_a_proxied_user_lists_acts_and_downloads_and_no_token_is_seen_in_clear(trusted: Trusted) -> None:
    await list_act_and_download(trusted)
    async with redis.asyncio.Redis.from_url(trusted.cluster.redis.url) as connection:
        await connection.config_set("rdbcompression", "no")
        kept = {key: await connection.dump(key) or b"" for key in await connection.keys("*")}
        tokens = [await opened(connection, node) for node in await trusted.proxy.json("/job-index/nodes")]
    logs = [part.process.log.read_bytes() for part in (*trusted.replicas, *trusted.nodes)]
    assert any(b"/report 200" in log for log in logs[:2])
    assert all(b"administrator's key to this Orthanc" in log for log in logs[2:])
    for token in tokens:
        assert not any(token in text for text in (*logs, *kept, *kept.values()))


async def test_nobody_gets_past_the_proxy(trusted: Trusted) -> None:
    job = await archived(trusted, trusted.nodes[0])
    for headers in ({}, ANN, None):  # None: a login that every Orthanc takes
        async with calling(trusted.replicas[0].public_url, headers) as stranger:
            for method, path in (("GET", "/jobs"), ("GET", f"/jobs/{job}/archive"), ("POST", f"/jobs/{job}/cancel")):
                status, body, told = await stranger.ask(method, path)
                assert (status, b"by the proxy" in body, "WWW-Authenticate" in told) == (403, True, False)
    async with through_proxy(trusted.replicas[0]) as proxy:
        status, body, _ = await proxy.ask("GET", "/jobs", headers={"X-Forwarded-User": ""})
        assert (status, b"X-Forwarded-User" in body) == (403, True)


async def test_an_orthanc_that_was_started_again_gives_its_new_token(trusted: Trusted) -> None:
    node = trusted.nodes[0]
    before = await incarnation(trusted.proxy, node)

    async def is_back() -> bool:
        return await knows(trusted.proxy, 2) and await incarnation(trusted.proxy, node) != before

    await node.process.restart()
    await eventually(is_back)
    job = await archived(trusted, node)

    async def downloads() -> bool:
        status, _, told = await trusted.proxy.ask("GET", f"/jobs/{job}/archive")
        assert "WWW-Authenticate" not in told
        return status == 200

    await eventually(downloads)
