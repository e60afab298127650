"""What a cluster is to consist of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any

HISTORY = 10  # jobs, as Orthanc itself has it

Link = Callable[[str, str, int], int]
"""From the names of two parts and the port of the second to the port at which the first reaches it."""


def directly(source: str, target: str, port: int) -> int:
    return port


@dataclass(frozen=True)
class Plan:
    """A cluster by numbers: of real Orthancs with SQLite, where nothing else is said.

    `port` is nginx's, 0 for any that is free; `small_proxy` puts one of our own in its place.  `peers` are URLs
    that each Orthanc knows besides `neighbour` and `nowhere`.  `options` are more of each Orthanc's configuration,
    `options_of` more of those that it names, `arguments` more of each simulator's command line, `settings` more of
    each replica's environment, `redis_options` more of the Redis server's.

    `sentinel` puts three Redis servers and three Sentinels in the place of one.  `link` may lay a stretch of network
    between an Orthanc and a replica, the "replicas" and an Orthanc, a replica and a single "redis".
    """

    nodes: int = 3
    replicas: int = 2
    port: int = 0
    simulated: bool = False
    postgres: bool = False
    nginx: bool = True
    small_proxy: bool = False
    plugin: bool = True
    history: int = HISTORY
    peers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    options_of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    redis_options: Sequence[str] = ()
    sentinel: bool = False
    link: Link = directly

    @property
    def node_names(self) -> list[str]:
        """orthanc-a, orthanc-b, ... orthanc-z, orthanc-aa, ..."""
        return [f"orthanc-{_letters(number)}" for number in range(self.nodes)]

    @property
    def replica_names(self) -> list[str]:
        return [f"replica-{number + 1}" for number in range(self.replicas)]


def _letters(number: int) -> str:
    rest, last = divmod(number, len(ascii_lowercase))
    return (_letters(rest - 1) if rest else "") + ascii_lowercase[last]
