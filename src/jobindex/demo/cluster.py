"""A whole cluster, running on one machine in a folder of its own: nothing of it is left when it ends."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from .layout import Cluster, lay_out
from .orthanc import Node
from .plan import Plan
from .probes import reads, until
from .process import NotStarted, Process
from .replica import Replica

__all__ = ["Cluster", "NotStarted", "Plan", "running"]

Tell = Callable[[str], None]

REGISTER_WITHIN = 20.0  # seconds; an Orthanc registers within one, a replica is full after 15 at the latest
GRACE = 1.5  # seconds that a part has to end in; all that it kept is thrown away with it


@asynccontextmanager
async def running(plan: Plan, tell: Tell = lambda part: None) -> AsyncIterator[Cluster]:
    """Start all that the plan names, and end it again.

    Entered when each replica knows each Orthanc.  `tell` hears the name of each part that is ready.
    Raises NotStarted, whose text names the part, and NotInstalled.
    """
    with temporary_folder() as folder:
        cluster = lay_out(plan, folder)
        try:
            await _start(cluster, tell)
            yield cluster
        finally:
            await _end(cluster)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Passable for the users that PostgreSQL and nginx's workers run as, readable for none but us."""
    with tempfile.TemporaryDirectory(prefix="jobindex-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def _start(cluster: Cluster, tell: Tell) -> None:
    """What needs nobody else at once, then what needs those, last the acquaintance of nodes and replicas."""
    database = [cluster.postgres.process] if cluster.postgres else []
    front = [cluster.nginx.process] if cluster.nginx else []

    async def in_turn(*stages: Iterable[Process]) -> None:
        for stage in stages:
            await _together(_start_one(process, tell) for process in stage)

    redis_then_replicas = in_turn(*_redis_stages(cluster), _processes(cluster.replicas))
    database_then_nodes = in_turn(database, _processes(cluster.nodes))
    await _together([redis_then_replicas, database_then_nodes, in_turn(front)])
    if cluster.plan.plugin:
        await _together(_registered(cluster, replica) for replica in cluster.replicas.values())


async def _start_one(process: Process, tell: Tell) -> None:
    await process.start()
    tell(process.name)


async def _registered(cluster: Cluster, replica: Replica) -> None:
    """Wait until the replica lists every node."""

    async def knows_all() -> bool:
        nodes = await reads(f"{replica.public_url}/job-index/nodes", headers)
        return all(name in nodes for name in cluster.nodes)

    headers = next((node.headers for node in cluster.nodes.values()), None)
    if headers and not await until(knows_all, REGISTER_WITHIN):
        raise NotStarted(f"{replica.name} did not hear from every Orthanc:\n{replica.process.log_end()}")


async def _end(cluster: Cluster) -> None:
    """Those that use the others first."""
    database = [cluster.postgres.process] if cluster.postgres else []
    front = [cluster.nginx.process] if cluster.nginx else []
    data = [*database, *(process for stage in _redis_stages(cluster) for process in stage)]
    for stage in ([*front, *_processes(cluster.nodes), *_processes(cluster.replicas)], data):
        await asyncio.gather(*(process.stop(GRACE) for process in stage))


def _redis_stages(cluster: Cluster) -> list[list[Process]]:
    """One server, or several and then those that watch them."""
    guard = cluster.guard
    return [[*guard.servers.values()], [*guard.sentinels.values()]] if guard else [[cluster.redis.process]]


def _processes(parts: Mapping[str, Node] | Mapping[str, Replica]) -> list[Process]:
    return [part.process for part in parts.values()]


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at once; the first error ends the rest, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in work:
                tasks.create_task(part)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
