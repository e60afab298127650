"""The Orthancs that the contract is tested with: a real one, and the simulator in the same set-up."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from jobindex.demo.cluster import Plan, running
from jobindex.demo.installed import NotInstalled, orthanc_command, orthanc_program
from jobindex.demo.ports import free_ports
from jobindex.demo.probes import listens
from jobindex.demo.process import Process
from jobindex.demo.simulator import Simulator

from .exchanges import ABOUT_JOBS, SCRIPT
from .neutral import Answer
from .playing import Target, play

LOGIN = ("demo", "demo")
CONFIGURATION: dict[str, Any] = {
    "Name": "contract",
    "RegisteredUsers": dict([LOGIN]),
    "AuthenticationEnabled": True,
    "DicomServerEnabled": False,
    "ConcurrentJobs": 1,
    "JobsHistorySize": 100,
    "MediaArchiveSize": 1,
    "OrthancPeers": {
        "nowhere": ["http://127.0.0.1:9/", "user", "password"],
        "secret": {
            "Url": "http://127.0.0.1:9",
            "Username": "user",
            "Password": "password",
            "HttpHeaders": {"Authorization": "Bearer secret"},
        },
    },
    "DicomModalities": {"nowhere": ["NOWHERE", "127.0.0.1", 9]},
}


@pytest.fixture(scope="session")
def simulated() -> Mapping[str, Answer]:
    """What the simulator answers to the whole script, as release 1.10.1."""
    return asyncio.run(_play_simulated("1.10.1"))


@pytest.fixture(scope="session")
def simulated_new() -> Mapping[str, Answer]:
    """What the simulator answers to the whole script, as release 1.12.7."""
    return asyncio.run(_play_simulated("1.12.7"))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Answer]:
    """What Debian's Orthanc answers to the whole script; without one, skipped at home and failed in CI."""
    try:
        orthanc_program()
    except NotInstalled as missing:
        give_up(missing)
    return asyncio.run(_play_real(tmp_path_factory.mktemp("orthanc")))


@pytest.fixture(scope="session", params=["simulated", "real"])
def behind(request: pytest.FixtureRequest) -> str:
    """What kind of Orthanc stands behind the index."""
    return str(request.param)


@pytest.fixture(scope="session")
def direct(behind: str, request: pytest.FixtureRequest) -> Mapping[str, Answer]:
    """What that kind of Orthanc answers by itself."""
    answers: Mapping[str, Answer] = request.getfixturevalue(behind)
    return answers


@pytest.fixture(scope="session")
def through(behind: str) -> Mapping[str, Answer]:
    """What a replica answers to all that is about jobs, before a node of that kind with the plugin."""
    try:
        return asyncio.run(_play_through(simulated=behind == "simulated"))
    except NotInstalled as missing:
        return give_up(missing)


def give_up(missing: NotInstalled) -> NoReturn:
    """At home a part may be missing."""
    (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))


async def _play_through(*, simulated: bool) -> dict[str, Answer]:
    """The list is asked for as those do who need it exact right after a call."""
    plan = Plan(nodes=1, replicas=1, nginx=False, simulated=simulated, options=CONFIGURATION)
    async with running(plan) as cluster:
        (node,), (replica,) = cluster.nodes.values(), cluster.replicas.values()
        target = Target(node.url, LOGIN, replica.public_url, {"Cache-Control": "no-cache"})
        return await play(target, ABOUT_JOBS)


async def _play_simulated(release: str) -> dict[str, Answer]:
    async with Simulator(CONFIGURATION, release=release) as simulator:
        return await play(Target(simulator.url, LOGIN), SCRIPT)


async def _play_real(folder: Path) -> dict[str, Answer]:
    async with orthanc(folder) as target:
        return await play(target, SCRIPT)


@asynccontextmanager
async def orthanc(folder: Path) -> AsyncIterator[Target]:
    """A real Orthanc without plugins, with its database in the folder."""
    (port,) = free_ports(1)
    places = {"HttpPort": port, "StorageDirectory": str(folder), "IndexDirectory": str(folder), "Plugins": []}
    (folder / "orthanc.json").write_text(json.dumps({**CONFIGURATION, **places}))

    async def ready() -> bool:
        return await listens("127.0.0.1", port)

    command = orthanc_command(folder / "orthanc.json")
    process = Process("orthanc", command, folder / "orthanc.log", ready)
    await process.start()
    try:
        yield Target(f"http://127.0.0.1:{port}", LOGIN)
    finally:
        await process.stop()
