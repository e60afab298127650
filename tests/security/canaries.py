"""Looks for words that must be nowhere: in what Redis keeps on its disk, in every log, in what anybody may read.

Redis is told to write its files anew and uncompressed, so that nothing hides in them; the old append-only file, with
every command since the start, is looked through before that.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
import redis.asyncio

from jobindex.demo.cluster import Cluster
from jobindex.demo.probes import until

JOBS = "{jobindex}:jobs"
PATIENCE = 20.0
"""Seconds that Redis may take over its files."""
DISK = (".rdb", ".aof")
ANEW = ", written anew"
OPEN = ("/-/healthy", "/-/ready", "/metrics")
LISTED = ("/job-index/nodes",)

Places = dict[str, bytes]
"""What was written or said, by where."""


async def look(cluster: Cluster) -> Places:
    """Everywhere; the old append-only file is gone afterwards."""
    return {**_files(cluster), **await _kept(cluster), **await _answers(cluster)}


def found(places: Places, canaries: Mapping[str, str]) -> list[str]:
    """Where which canary is, each by its name; [] if nowhere."""
    return sorted(
        f"{name} in {place}" for place, told in places.items() for name in canaries if holds(told, canaries[name])
    )


def holds(told: bytes, canary: str) -> bool:
    return any(form in told for form in _forms(canary))


def _forms(canary: str) -> Iterator[bytes]:
    """As it is, and as it looks within a login in base64, wherever it begins there."""
    yield canary.encode()
    for before in range(3):
        encoded = base64.b64encode(b"." * before + canary.encode()).decode()
        inner = encoded[4 if before else 0 : len(encoded) - (4 if encoded.endswith("=") else 0)]
        if len(inner) >= 8:
            yield inner.encode()


def _files(cluster: Cluster) -> Places:
    """Every log, and the files of Redis as they are at this moment."""
    logs = [path for path in cluster.folder.rglob("*.log") if path.parent in _ours(cluster)]
    return {path.name: path.read_bytes() for path in [*logs, *_dumps(cluster)]}


def _ours(cluster: Cluster) -> set[Path]:
    """Orthanc's own logs, in folders of their own, are not ours to answer for."""
    return {cluster.folder, cluster.folder / "nginx"}


def _dumps(cluster: Cluster) -> list[Path]:
    return [path for ending in DISK for path in cluster.folder.rglob(f"*{ending}")]


async def _kept(cluster: Cluster) -> Places:
    """The files of Redis when it has written them anew."""
    async with redis.asyncio.Redis.from_url(cluster.redis.url) as connection:
        await connection.config_set("rdbcompression", "no")
        await connection.bgsave()
        await _idle(connection, "rdb_bgsave_in_progress")
        await connection.bgrewriteaof()
        await _idle(connection, "aof_rewrite_in_progress", "aof_rewrite_scheduled")
    return {path.name + ANEW: path.read_bytes() for path in _dumps(cluster)}


async def _idle(connection: redis.asyncio.Redis, *busy: str) -> None:
    async def idle() -> bool:
        told = await connection.info("persistence")
        return not any(int(told[name]) for name in busy)

    assert await until(idle, PATIENCE)


async def _answers(cluster: Cluster) -> Places:
    """What probes and Prometheus read, and what a login is told of the cluster."""
    headers = next(iter(cluster.nodes.values())).headers
    places = {}
    async with aiohttp.ClientSession() as session:
        for replica in cluster.replicas.values():
            urls = [replica.internal_url + path for path in OPEN] + [replica.public_url + path for path in LISTED]
            for url in urls:
                async with session.get(url, headers=headers) as response:
                    places[url] = str(response.headers).encode() + await response.read()
    return places


async def keyspace(cluster: Cluster) -> Places:
    """Each key with all that it holds, as text."""
    async with redis.asyncio.Redis.from_url(cluster.redis.url) as connection:
        return {key.decode(): repr(await _value(connection, key)).encode() async for key in connection.scan_iter()}


async def _value(connection: redis.asyncio.Redis, key: bytes) -> object:
    read = {
        b"string": connection.get,
        b"hash": connection.hgetall,
        b"set": connection.smembers,
        b"zset": lambda key: connection.zrange(key, 0, -1),
        b"stream": connection.xrange,
    }
    return await read[await connection.type(key)](key)


async def jobs_without_content(cluster: Cluster) -> bytes:
    """What the index says of jobs but for their `Content`, which is Orthanc's own."""
    async with redis.asyncio.Redis.from_url(cluster.redis.url) as connection:
        kept = [json.loads(text) for text in (await connection.hgetall(JOBS)).values()]
    return json.dumps([{name: value for name, value in job.items() if name != "Content"} for job in kept]).encode()
