"""Secrets and patients' data are where they have to be, and nowhere else: not in Redis, not in a log."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from caller import LOGIN, calling, eventually, finished
from redis.asyncio import Redis

from jobindex.demo.cluster import Cluster, Plan

PEER = "CANARY-OF-A-PEER"
TOKEN = "CANARY-OF-A-TOKEN"
QUERY = "CANARY-OF-A-QUERY"
PATIENT = "CANARY-OF-A-PATIENT"
CANARIES = (PEER, TOKEN, QUERY, PATIENT)

SETTINGS = {"JOBINDEX_LOG_LEVEL": "debug", "JOBINDEX_TOKEN_ARGUMENTS": '["token"]', "JOBINDEX_SAMPLE_ROUTES": "true"}
REDIS = ["--appendonly", "yes", "--rdbcompression", "no"]


def plan() -> Plan:
    """One Orthanc that knows a peer behind a proxy which wants a token, as orthanc.json says it."""
    peer = {"Url": "http://127.0.0.1:9", "Username": "u", "Password": PEER, "HttpHeaders": {"Authorization": PEER}}
    options = {"OrthancPeers": {"guarded": peer}, "HttpVerbose": False}
    return Plan(nodes=1, replicas=1, nginx=False, options=options, settings=SETTINGS, redis_options=REDIS)


async def on_disk(cluster: Cluster) -> bytes:
    """Every value, every key's dump, and every file that Redis has written."""
    async with Redis.from_url(cluster.redis.url) as redis:
        values = [repr(await redis.hgetall(name)).encode() for name in await redis.keys("*jobs")]
        dumps = [await redis.dump(name) for name in await redis.keys()]
        await redis.save()
    return b"".join([*values, *dumps, *await asyncio.to_thread(_files, cluster.folder)])


def _files(folder: Path) -> list[bytes]:
    found = [file for pattern in ("*.aof", "*.rdb") for file in folder.rglob(pattern)]
    assert {file.suffix for file in found} == {".aof", ".rdb"}
    return [file.read_bytes() for file in found]


def log_of(cluster: Cluster) -> str:
    return cluster.replicas["replica-1"].process.log.read_text()


async def test_a_peers_secret_gets_into_no_copy_of_a_job(start) -> None:
    async with (
        start(plan()) as cluster,
        calling(cluster.nodes["orthanc-a"].url) as orthanc,
        calling(cluster.replicas["replica-1"].public_url) as replica,
    ):
        job = await orthanc.send("guarded", await orthanc.upload())
        await finished(replica, job)
        assert PEER in json.dumps(await orthanc.json(f"/jobs/{job}")), "Orthanc itself shows it"

        async def listed() -> Any:
            return [each for each in await replica.json("/jobs?expand&status=Failure") if each["ID"] == job]

        (in_list,) = await eventually(listed)
        alone = await replica.json(f"/jobs/{job}")
        refreshed = await replica.json("/jobs?expand", headers={"Cache-Control": "no-cache"})
        for told in (in_list, alone, *refreshed):
            assert PEER not in json.dumps(told)
        assert in_list["Content"]["Peer"]["HttpHeaders"] == {"Authorization": "REDACTED"}
        assert alone["Content"] == in_list["Content"], "one redaction for both"
        assert PEER.encode() not in await on_disk(cluster)
        assert PEER not in log_of(cluster)


REQUESTS = [
    ("GET", f"/jobs?expand&status={QUERY}&token={TOKEN}"),
    ("GET", f"/jobs?{QUERY}"),
    ("POST", f"/jobs/{'0' * 36}/cancel?x={QUERY}"),
    ("GET", f"/job-index/nodes?token={TOKEN}"),
]


BODIES = [b"{", b"%s", b'"%s"', b'{"Jobs": ["%s"]}', b'{"api-token": "%s", "job": {"a": "%s"}}']


async def test_no_log_tells_what_callers_and_nodes_have_said(start) -> None:
    async with start(plan()) as cluster, calling(cluster.replicas["replica-1"].public_url) as replica:
        bearer = {"Authorization": f"Bearer {TOKEN}", "Cookie": TOKEN}
        for method, path in REQUESTS:
            for headers in (LOGIN, bearer):
                await replica.ask(method, path, headers=headers)
        async with calling(cluster.replicas["replica-1"].internal_url) as inside:
            for path in ("/nodes/orthanc-a/report", "/orthanc/started", f"/jobs/{'0' * 36}/success"):
                for body in BODIES:
                    await inside.ask("POST", path, data=body.replace(b"%s", PATIENT.encode()))
        await malformed(cluster.replicas["replica-1"].public_port)
        log = log_of(cluster)
        assert "GET /job-index/nodes" in log
        assert "BadHttpMessage" in log or "Error handling request" in log
        assert [canary for canary in CANARIES if canary in log] == []


async def malformed(port: int) -> None:
    """What is no HTTP, with secrets in it: the server's library logs such requests by itself."""
    lines = [
        f"GET /jobs?token={TOKEN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\x00\r\n\r\n",
        f"GET /jobs HTTP/1.1\r\nHost: x\r\n{TOKEN} : x\r\n\r\n",
        f"{TOKEN} /jobs HTTP/9.9\r\n\r\n",
        f"GET /{QUERY * 1000} HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    for text in lines:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(text.encode())
        with suppress(OSError):
            await writer.drain()
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
