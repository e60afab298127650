"""The clusters that the cases share, each ended with the last case; and which cases run when.

`make fault` sets FAULT=all and runs every case; else those that take long are left out.
"""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jobindex.demo.cluster import Plan
from jobindex.demo.installed import NotInstalled

from .figures import MEASURED
from .stage import Stage, staged

LONG = "fault_long"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{LONG}: a case of the fault suite that only `make fault` runs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("FAULT") == "all":
        return
    long = [item for item in items if item.get_closest_marker(LONG)]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MEASURED:
        terminalreporter.section("figures")
        for promise, figure in MEASURED:
            terminalreporter.line(f"{promise}: {figure}")


async def shared(plan: Plan, name: str, folders: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    try:
        async with staged(plan, folders.mktemp(name)) as stage:
            yield stage
    except NotInstalled as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def usual(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Three real Orthancs, three replicas, one Redis, nginx; a case leaves it as it was."""
    async for stage in shared(Plan(replicas=3, options={"SaveJobs": False}), "usual", tmp_path_factory):
        yield stage


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The same with Redis behind Sentinels, and simulated Orthancs."""
    async for stage in shared(Plan(replicas=2, simulated=True, sentinel=True), "guarded", tmp_path_factory):
        yield stage


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def brisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Real Orthancs that are late after 6 s, and given up after 9."""
    hasty = {"JOBINDEX_BEAT": "6", "JOBINDEX_GONE": "9"}
    async for stage in shared(Plan(replicas=2, nginx=False, settings=hasty), "brisk", tmp_path_factory):
        yield stage


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def newer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Simulated Orthancs of a release in which jobs can be deleted."""
    plan = Plan(replicas=2, simulated=True, arguments=("--release", "1.12.7"))
    async for stage in shared(plan, "newer", tmp_path_factory):
        yield stage
