"""A cluster to do harm to, with the network between its parts, its clients and all that they saw."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from caller import Caller, calling, eventually

from jobindex.demo.cluster import Cluster, Plan, running
from jobindex.demo.slow_peer import slow_peer
from jobindex.store.invariants import breaches as keyspace_breaches

from .checker import SYNC, breaches, diverged
from .history import Call, History
from .nemesis import Nemesis
from .network import Network, opened
from .witness import Witness, witness

SLOW = "slow"  # each Orthanc's name for a peer to which a job takes long
LONG_STUDY = 40  # instances, a second each


@dataclass
class Stage:
    """`at` has a client of each Orthanc and each replica by the part's name; `front` goes through nginx.

    `callers` are the same and the front, but none of what they do is written down.  `small` and `long` are a study of
    each Orthanc.
    """

    cluster: Cluster
    network: Network
    nemesis: Nemesis
    history: History
    at: dict[str, Witness]
    callers: dict[str, Caller]
    front: Witness
    small: dict[str, str] = field(default_factory=dict)
    long: dict[str, str] = field(default_factory=dict)
    _reported: set[str] = field(default_factory=set)

    @property
    def nodes(self) -> list[str]:
        return list(self.cluster.nodes)

    @property
    def replicas(self) -> list[str]:
        return list(self.cluster.replicas)

    # Jobs.

    async def archive(self, node: str, count: int = 1) -> list[str]:
        """Ids of so many short jobs of this Orthanc."""
        if node not in self.small:
            self.small[node] = await self.callers[node].upload()
        path = f"/studies/{self.small[node]}/archive"
        return [(await self.at[node].submit(node, path)).id for _ in range(count)]

    async def everywhere(self, count: int = 4) -> list[str]:
        """Ids of so many short jobs of each Orthanc, which all replicas list as ended."""
        ids = [job_id for node in self.nodes for job_id in await self.archive(node, count)]
        await asyncio.gather(*(self.listed(replica, ids, "Success") for replica in self.replicas))
        return ids

    async def start_long(self, node: str) -> str:
        """The id of a job of this Orthanc that runs for most of a minute, and is listed as running."""
        if node not in self.long:
            self.long[node] = await self.callers[node].upload(LONG_STUDY, 100)
        call = await self.at[node].submit(node, f"/peers/{SLOW}/store", Resources=[self.long[node]])
        await asyncio.gather(*(self.listed(replica, [call.id], "Running") for replica in self.replicas))
        return call.id

    async def listed(self, where: str, ids: list[str], state: str, within: float = SYNC) -> Call:
        """The first list of this part that has all these jobs in this state."""

        async def found() -> Call | None:
            call = await self.at[where].list()
            jobs = call.jobs or {}
            return call if all(job_id in jobs and jobs[job_id].state == state for job_id in ids) else None

        return await eventually(found, within)

    async def node_state(self, replica: str, node: str) -> str:
        """As this replica tells it."""
        nodes = await self.callers[replica].json("/job-index/nodes")
        return next(each["State"] for each in nodes if each["ID"] == node)

    async def marked(self, node: str, state: str, within: float) -> None:
        """Wait until every replica says that the node is in this state."""

        async def is_so() -> bool:
            return {await self.node_state(replica, node) for replica in self.replicas} == {state}

        await eventually(is_so, within)

    async def all_stale(self) -> bool:
        """Whether every replica says that what it lists may be old."""
        return None not in [(await self.at[replica].list()).age for replica in self.replicas]

    # In the end.

    async def check(self, within: float = SYNC) -> None:
        """All is well again before long, and nothing was wrong on the way."""
        await self.recover(within)
        found = [each for each in breaches(self.history, self.network.sent) if each not in self._reported]
        self._reported.update(found)
        _none(found)

    async def recover(self, within: float = SYNC) -> None:
        """All is well again before long: every Orthanc alive, the lists theirs, the keyspace whole."""
        try:
            await eventually(self._settled, within)
        except TimeoutError:
            _none([*diverged(*await self._lists_and_truth())])
            raise
        async with self.nemesis.master() as redis:
            _none(await keyspace_breaches(redis))

    async def _settled(self) -> bool:
        states = [await self.node_state(replica, node) for replica in self.replicas for node in self.nodes]
        return set(states) <= {"Alive"} and not [*diverged(*await self._lists_and_truth())]

    async def _lists_and_truth(self) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
        """What each replica lists and what the Orthancs have."""
        lists = {replica: (await self.at[replica].list()).jobs or {} for replica in self.replicas}
        truth = [await self.callers[node].json("/jobs?expand") for node in self.nodes]
        return (
            {replica: {job_id: job.state for job_id, job in jobs.items()} for replica, jobs in lists.items()},
            {job["ID"]: job["State"] for jobs in truth for job in jobs},
        )

    def keep_logs(self) -> None:
        """Beside the history, for whoever looks for a cause."""
        for log in self.cluster.folder.rglob("*.log"):
            shutil.copy(log, self.history.path.parent / f"{log.parent.name}-{log.name}")


def _none(found: list[str]) -> None:
    assert not found, "\n".join([f"{len(found)} breaches:", *found[:20]])


@asynccontextmanager
async def staged(plan: Plan, folder: Path) -> AsyncIterator[Stage]:
    """A cluster as planned, where every link can go bad."""
    history = History(folder / "history.jsonl")
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(opened())
        peers = {SLOW: await stack.enter_async_context(slow_peer())}
        cluster = await stack.enter_async_context(running(replace(plan, link=network.link, peers=peers)))
        urls = {name: node.url for name, node in cluster.nodes.items()}
        urls |= {name: replica.public_url for name, replica in cluster.replicas.items()}
        at = {name: await stack.enter_async_context(witness(name, url, history)) for name, url in urls.items()}
        url = f"{cluster.nginx.url}/orthanc" if cluster.nginx else next(iter(cluster.replicas.values())).public_url
        front = await stack.enter_async_context(witness("front", url, history, keeps=False))
        callers = {name: await stack.enter_async_context(calling(url)) for name, url in {**urls, "front": url}.items()}
        stage = Stage(cluster, network, Nemesis(cluster, network, history), history, at, callers, front)
        try:
            yield stage
        finally:
            stage.keep_logs()
