"""One real cluster for the tests that only use it, and one of their own for those that break it."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
import redis.asyncio

from jobindex.demo.cluster import Cluster, Plan, running
from jobindex.demo.installed import NotInstalled
from jobindex.store.invariants import breaches

from ..security.canaries import found, look

Starter = Callable[[Plan], AbstractAsyncContextManager[Cluster]]


@asynccontextmanager
async def started(plan: Plan) -> AsyncIterator[Cluster]:
    """A cluster whose keyspace is whole in the end; where a real part is missing, a skip, or in CI a failure."""
    try:
        async with running(plan) as cluster:
            yield cluster
            await check_keyspace(cluster)
    except NotInstalled as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


async def check_keyspace(cluster: Cluster) -> None:
    async with redis.asyncio.Redis.from_url(cluster.redis.url) as connection:
        assert await breaches(connection) == []


@pytest.fixture
def start() -> Starter:
    """Starts a cluster as planned."""
    return started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared() -> AsyncIterator[Cluster]:
    """Three real Orthancs on one PostgreSQL, two replicas, nginx; nothing in it may be stopped.

    What all tests together have done with it leaves no secret behind.
    """
    plan = Plan(nodes=3, replicas=2, postgres=True, history=1000, settings={"JOBINDEX_LOG_LEVEL": "debug"})
    async with started(plan) as cluster:
        yield cluster
        assert found(await look(cluster), {"login": "demo:demo", "the cluster's secret": cluster.secret}) == []
