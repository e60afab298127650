"""Two clusters to ask: one with simulated Orthancs and jobs in all states, and one that knows no Orthanc yet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest_asyncio

from jobindex.demo import dicom
from jobindex.demo.client import Client
from jobindex.demo.cluster import Cluster, Plan, running

from .answers import known_jobs

SETTINGS = {"JOBINDEX_FAILED_LOGINS": "0", "JOBINDEX_SAMPLE_ROUTES": "true", "JOBINDEX_SAMPLE_PORT": "9"}
"""Nobody listens on port 9: what a made-up report introduces can't be asked."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clusters() -> AsyncIterator[tuple[Cluster, Cluster]]:
    public = Plan(nodes=2, replicas=1, simulated=True, nginx=False, settings=SETTINGS, arguments=("--step", "0.01"))
    internal = Plan(nodes=0, replicas=1, nginx=False, settings=SETTINGS)
    async with AsyncExitStack() as stack:
        both = await asyncio.gather(*(stack.enter_async_context(running(plan)) for plan in (public, internal)))
        await _make_jobs(both[0])
        yield both[0], both[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def public(clusters: tuple[Cluster, Cluster]) -> str:
    return clusters[0].replicas["replica-1"].public_url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def internal(clusters: tuple[Cluster, Cluster]) -> tuple[str, str]:
    """The address, and the secret with which a node there signs."""
    return clusters[1].replicas["replica-1"].internal_url, clusters[1].secret


async def _make_jobs(cluster: Cluster) -> None:
    async with aiohttp.ClientSession() as session:
        for node in cluster.nodes.values():
            client = Client(node, session)
            study = await client.upload(dicom.make_study(node.name, 20, 64))
            known_jobs.append(await client.submit(f"/studies/{study}/archive"))
            known_jobs.append(await client.submit(f"/studies/{study}/anonymize", Priority=-1))
            known_jobs.append(await client.submit("/peers/nowhere/store", Resources=[study]))
