"""The Orthancs that the contract is played with: a real one, and the simulator in the same set-up."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from jobindex.demo.cluster import Plan, running
from jobindex.demo.installed import orthanc_command
from jobindex.demo.ports import free_ports
from jobindex.demo.probes import listens
from jobindex.demo.process import Process
from jobindex.demo.simulator import Simulator
from jobindex.demo.simulator.simulator import REAL_TIME, Pace
from jobindex.demo.slow_peer import slow_peer

from .playing import Target

LOGIN = ("demo", "demo")
SLOW_STEP = 0.3
"""Seconds that the slow peer takes for an instance: a send to it lasts longer than the look at what waits."""
SIMULATED_STEP = 0.05
"""Seconds that the simulator takes for an instance, whoever the peer is."""
CONFIGURATION: dict[str, Any] = {
    "Name": "contract",
    "RegisteredUsers": dict([LOGIN]),
    "AuthenticationEnabled": True,
    "DicomServerEnabled": False,
    "ConcurrentJobs": 1,
    "JobsHistorySize": 100,
    "MediaArchiveSize": 1,
    "DicomModalities": {"nowhere": ["NOWHERE", "127.0.0.1", 9]},
}
PEERS: dict[str, Any] = {
    "nowhere": ["http://127.0.0.1:9/", "user", "password"],
    "secret": {
        "Url": "http://127.0.0.1:9",
        "Username": "user",
        "Password": "password",
        "HttpHeaders": {"Authorization": "Bearer secret"},
    },
}


@asynccontextmanager
async def configured() -> AsyncIterator[tuple[dict[str, Any], dict[str, str]]]:
    """The configuration, while its slow peer is there; and names for what is another's each time."""
    async with slow_peer(SLOW_STEP) as slow:
        yield {**CONFIGURATION, "OrthancPeers": {**PEERS, "slow": [slow]}}, {"slow peer": slow}


@asynccontextmanager
async def simulated_orthanc(release: str) -> AsyncIterator[Target]:
    pace = Pace(SIMULATED_STEP, REAL_TIME.now, REAL_TIME.wait)
    async with (
        configured() as (configuration, names),
        Simulator(configuration, release=release, pace=pace) as simulator,
    ):
        yield Target(simulator.url, LOGIN, names=names)


@asynccontextmanager
async def real_orthanc(folder: Path) -> AsyncIterator[Target]:
    """Without plugins, with its database in the folder; NotInstalled where there is none."""
    (port,) = free_ports(1)
    places = {"HttpPort": port, "StorageDirectory": str(folder), "IndexDirectory": str(folder), "Plugins": []}

    async def ready() -> bool:
        return await listens("127.0.0.1", port)

    async with configured() as (configuration, names):
        (folder / "orthanc.json").write_text(json.dumps({**configuration, **places}))
        process = Process("orthanc", orthanc_command(folder / "orthanc.json"), folder / "orthanc.log", ready)
        await process.start()
        try:
            yield Target(f"http://127.0.0.1:{port}", LOGIN, names=names)
        finally:
            await process.stop()


@asynccontextmanager
async def replica_before(release: str | None) -> AsyncIterator[Target]:
    """A replica with one node: a simulator of that release, or without one a real Orthanc.

    The list is asked for as those do who need it exact right after a call.
    """
    pace = ["--release", release, "--step", str(SIMULATED_STEP)] if release else []
    async with configured() as (configuration, names):
        plan = Plan(
            nodes=1, replicas=1, nginx=False, simulated=release is not None, options=configuration, arguments=pace
        )
        async with running(plan) as cluster:
            (node,), (replica,) = cluster.nodes.values(), cluster.replicas.values()
            yield Target(node.url, LOGIN, replica.public_url, {"Cache-Control": "no-cache"}, names)
