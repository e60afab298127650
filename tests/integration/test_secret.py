"""The cluster's secret, among processes as they run: it changes while all go on, and there may be none."""

import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from caller import Caller, calling, eventually, finished

from jobindex.auth.signature import NONCE, SIGNATURE, TIME, signature
from jobindex.demo.cluster import Cluster, Plan
from jobindex.demo.ports import free_ports
from jobindex.demo.probes import answers
from jobindex.demo.process import Process

NEW = "the new secret of this cluster"


async def post(internal: str, secret: str) -> int:
    """The status of a report of a node that nobody knows: 409 where its signature is right."""
    path, now, nonce = "/nodes/x/report", str(round(time.time() * 1000)), secrets.token_hex(16)
    body = b'{"Format": 1, "Incarnation": "x", "Taken": "20260101T000000.000000"}'
    sign = signature(secret.encode(), "POST", path, now, nonce, body)
    headers = {TIME: now, NONCE: nonce, SIGNATURE: sign}
    async with aiohttp.ClientSession() as session, session.post(internal + path, data=body, headers=headers) as answer:
        return answer.status


async def test_a_secret_is_changed_while_orthancs_go_on_reporting(start) -> None:
    async with start(Plan(nodes=2, replicas=2, nginx=False)) as cluster:
        replicas = [replica.internal_url for replica in cluster.replicas.values()]
        file = cluster.folder / "secret"
        for lines in (f"{cluster.secret}\n{NEW}\n", f"{NEW}\n{cluster.secret}\n", f"{NEW}\n"):
            file.write_text(lines)
            await _jobs_are_listed(cluster)

            await eventually(lambda: _all_answer(replicas, NEW, 409))
        await eventually(lambda: _all_answer(replicas, cluster.secret, 401))
        await _jobs_are_listed(cluster)


async def _all_answer(replicas: Sequence[str], secret: str, status: int) -> bool:
    return {await post(each, secret) for each in replicas} == {status}


async def _jobs_are_listed(cluster: Cluster) -> None:
    for node, replica in zip(cluster.nodes.values(), cluster.replicas.values(), strict=True):
        async with calling(node.url) as orthanc, calling(replica.public_url) as front:
            await finished(front, await orthanc.archive(await orthanc.upload()))


@asynccontextmanager
async def insecure(cluster: Cluster, ports: tuple[int, int]) -> AsyncIterator[Process]:
    """A replica that was started without a secret."""
    environment = {
        "REDIS_URL": cluster.redis.url,
        "JOBINDEX_NODE_NETWORKS": '["127.0.0.0/8"]',
        "JOBINDEX_PUBLIC_HOST": "127.0.0.1",
        "JOBINDEX_PUBLIC_PORT": str(ports[0]),
        "JOBINDEX_INTERNAL_HOST": "127.0.0.1",
        "JOBINDEX_INTERNAL_PORT": str(ports[1]),
    }
    assert not {"JOBINDEX_SECRET", "JOBINDEX_SECRET_FILE"} & os.environ.keys()
    command = [sys.executable, "-m", "jobindex", "serve", "--insecure"]

    async def ready() -> bool:
        return await answers(f"http://127.0.0.1:{ports[1]}/-/ready")

    process = Process("replica", command, cluster.folder / "replica.log", ready, environment)
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


async def test_without_a_secret_all_say_so_and_jobs_are_listed(start) -> None:
    ports = tuple(free_ports(2))
    options = {"JobIndex": {"Urls": [f"http://127.0.0.1:{ports[1]}"], "Insecure": True}}
    async with start(Plan(nodes=1, replicas=0, nginx=False, options=options)) as cluster:
        node = cluster.nodes["orthanc-a"]
        async with insecure(cluster, ports) as replica:
            await _is_listed(node.url, f"http://127.0.0.1:{ports[0]}")
            async with calling(f"http://127.0.0.1:{ports[1]}") as inside:
                assert "no secret" in (await inside.json("/-/ready"))["Insecure"][0]
            assert "insecure: Reports are taken from anybody" in replica.log.read_text()
        assert "insecure: reports are not signed" in node.process.log.read_text()


async def _is_listed(orthanc_url: str, front_url: str) -> None:
    async with calling(orthanc_url) as orthanc, calling(front_url) as front:
        job = await orthanc.archive(await orthanc.upload())

        async def is_there() -> bool:
            return await _lists(front, job)

        await eventually(is_there)


async def _lists(front: Caller, job: str) -> bool:
    status, body, _ = await front.ask("GET", "/jobs")
    return status == 200 and job.encode() in body
