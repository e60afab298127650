"""The parts of a cluster, laid out in its folder with their ports and addresses, and none of them started."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .checkout import JOBS_PLUGIN
from .configuration import NOBODY, NOWHERE, Seat
from .nginx import Nginx, build_nginx
from .orthanc import Node, build_real, build_simulated
from .plan import Plan
from .ports import LOOPBACK, free_ports, is_free
from .postgres import Postgres, build_postgres
from .process import NotStarted
from .redis import Redis, build_redis, redis_url
from .replica import Replica, build_replica
from .sentinel import PORTS, Guard, build_guard
from .small_proxy import build_small_proxy

NEIGHBOUR = "neighbour"  # each Orthanc's name for the next one
REDIS = "redis"
REPLICAS = "replicas"  # as those who call an Orthanc, by one address for all


@dataclass
class Cluster:
    """Each part has a `process`, to kill, freeze, thaw, stop, start and restart.

    With a `guard`, `redis` is the server that is the master at first.
    """

    plan: Plan
    folder: Path
    secret: str
    redis: Redis
    guard: Guard | None
    postgres: Postgres | None
    nodes: dict[str, Node]
    replicas: dict[str, Replica]
    nginx: Nginx | None


def lay_out(plan: Plan, folder: Path) -> Cluster:
    """Write what the parts need to start; raises NotInstalled."""
    ports = iter(free_ports(2 + PORTS + plan.nodes + 2 * plan.replicas))
    secret = secrets.token_hex(32)
    (folder / "secret").write_text(secret)
    (folder / "secret").chmod(0o600)
    guard = build_guard(folder, [next(ports) for _ in range(PORTS)]) if plan.sentinel else None
    redis = _master(guard) if guard else build_redis(folder, next(ports), plan.redis_options)
    postgres = build_postgres(folder / "postgres") if plan.postgres else None
    replicas = _replicas(plan, folder, redis, guard, ports)
    nodes = _nodes(plan, folder, postgres, replicas, ports)
    nginx = _nginx(plan, folder, nodes, replicas, next(ports)) if plan.nginx else None
    return Cluster(plan, folder, secret, redis, guard, postgres, nodes, replicas, nginx)


def _master(guard: Guard) -> Redis:
    port, process = next(iter(guard.servers.items()))
    return Redis(redis_url(port), port, process)


def _replicas(plan: Plan, folder: Path, redis: Redis, guard: Guard | None, ports: Iterator[int]) -> dict[str, Replica]:
    def url(name: str) -> str:
        return guard.url if guard else redis_url(plan.link(name, REDIS, redis.port))

    return {
        name: build_replica(name, folder, (next(ports), next(ports)), url(name), plan.settings)
        for name in plan.replica_names
    }


def _nodes(
    plan: Plan, folder: Path, postgres: Postgres | None, replicas: dict[str, Replica], ports: Iterator[int]
) -> dict[str, Node]:
    places = {name: next(ports) for name in plan.node_names}
    nodes = {}
    for name, port in places.items():
        seat = Seat(
            name=name,
            folder=folder / name,
            port=port,
            reached_at=_url(plan.link(REPLICAS, name, port)),
            storage=folder / ("storage" if postgres else name),
            peers=_peers(plan, name, places),
            history=plan.history,
            services=tuple(_url(plan.link(name, replica.name, replica.internal_port)) for replica in replicas.values()),
            secret_file=folder / "secret",
            plugin=JOBS_PLUGIN if plan.plugin else None,
        )
        nodes[name] = _node(plan, seat, postgres)
    return nodes


def _url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _node(plan: Plan, seat: Seat, postgres: Postgres | None) -> Node:
    options = {**plan.options, **plan.options_of.get(seat.name, {})}
    if plan.simulated:
        return build_simulated(seat, options, plan.arguments)
    return build_real(seat, postgres, options)


def _peers(plan: Plan, name: str, places: dict[str, int]) -> dict[str, str]:
    """The next one in the ring, one that nobody answers for, and what the plan adds."""
    names = list(places)
    neighbour = names[(names.index(name) + 1) % len(names)]
    ports = {NEIGHBOUR: places[neighbour], NOWHERE: NOBODY}
    return {peer: f"http://{LOOPBACK}:{port}/" for peer, port in ports.items()} | dict(plan.peers)


def _nginx(plan: Plan, folder: Path, nodes: dict[str, Node], replicas: dict[str, Replica], free: int) -> Nginx:
    """Raises NotStarted where the port is taken: a probe would find the other one's server there."""
    if plan.port and not is_free(plan.port):
        raise NotStarted(
            f'Port {plan.port} is taken, or only for root; choose another one: make run DEMO="--port 9000",'
            " or: jobindex demo --port 9000"
        )
    build = build_small_proxy if plan.small_proxy else build_nginx
    return build(
        folder,
        plan.port or free,
        [node.port for node in nodes.values()],
        [replica.public_port for replica in replicas.values()],
    )
