"""Clusters of real parts; where one is missing, a skip, or in CI a failure."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jobindex.demo.cluster import Cluster, Plan, running
from jobindex.demo.installed import NotInstalled


@asynccontextmanager
async def started(plan: Plan) -> AsyncIterator[Cluster]:
    try:
        async with running(plan) as cluster:
            yield cluster
    except NotInstalled as missing:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))
