"""The Redis that holds the index, as it describes itself, and what of that is unsafe.

Law: only `noeviction` is right.  Every other policy throws away what nobody tells again: `allkeys-*` history and
tickets, `volatile-*` the heartbeats and tokens, which have a TTL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jobindex.model.finding import OK, PROBLEM, WARNING, Finding

OLDEST = (7, 0)
FULL = 0.9
"""Of `maxmemory`: with a tenth left there is time to act before Redis refuses writes."""


@dataclass(frozen=True, slots=True)
class IndexServer:
    """What was read at one moment."""

    version: str
    policy: str
    memory: int = 0
    most_memory: int = 0
    """Bytes; 0 where there is no limit."""
    append_only: bool = True
    append_only_works: bool = True
    user: str = ""
    """Who we are there; "" where we may not know."""
    open_to_all: bool = False
    """Whether anybody who reaches the port is let in without a password."""
    plain: tuple[str, ...] = ()
    """The hosts to which everything travels unencrypted, this one left out."""

    @property
    def evicts(self) -> bool:
        return self.policy != "noeviction"


def faults(server: IndexServer) -> list[Finding]:
    """What is unsafe or broken, the worst first; [] where all is well."""
    found = [finding for check in _CHECKS for finding in check(server)]
    return sorted(found, key=lambda finding: finding.level != PROBLEM)


def described(server: IndexServer) -> Finding:
    """What it is, for whoever looks."""
    limit = f"of {server.most_memory >> 20} MB" if server.most_memory else "without a limit"
    who = f" as user {server.user}" if server.user else ""
    return Finding(OK, "redis", f"Redis {server.version}{who}, {server.memory >> 20} MB used {limit}")


def _policy(server: IndexServer) -> Iterator[Finding]:
    if server.evicts:
        yield Finding(
            PROBLEM,
            "redis",
            f"Redis throws away what is in it when its memory is full (maxmemory-policy {server.policy})",
            "set `maxmemory-policy noeviction` in redis.conf, or now: CONFIG SET maxmemory-policy noeviction",
        )


def _memory(server: IndexServer) -> Iterator[Finding]:
    if not server.most_memory or server.memory <= FULL * server.most_memory:
        return
    part = round(100 * server.memory / server.most_memory)
    mend = "raise `maxmemory`, or keep fewer jobs (JOBINDEX_KEEP_DAYS, JOBINDEX_KEEP_JOBS, `jobindex purge`)"
    if server.memory >= server.most_memory:
        says = f"{part} % of Redis's maxmemory is used: it refuses reports (OOM), and lists are stale"
        yield Finding(PROBLEM, "redis", says, mend)
    else:
        says = f"{part} % of Redis's maxmemory is used, and at 100 % it refuses reports"
        yield Finding(WARNING, "redis", says, mend)


def _persistence(server: IndexServer) -> Iterator[Finding]:
    if not server.append_only:
        yield Finding(
            WARNING,
            "redis",
            "Redis keeps no append-only file, so history that no Orthanc has any more may end with its process",
            "set `appendonly yes` and `appendfsync everysec` in redis.conf",
        )
    elif not server.append_only_works:
        yield Finding(
            PROBLEM,
            "redis",
            "Redis could not write its append-only file",
            "look at Redis's log and at the space on its disk",
        )


def _door(server: IndexServer) -> Iterator[Finding]:
    if server.open_to_all:
        yield Finding(
            WARNING,
            "redis",
            "Redis lets anybody in as its default user, without a password",
            "start it with `aclfile` and the users of deploy/redis/users.acl, where `default` is off",
        )
    elif server.user == "default":
        yield Finding(
            WARNING,
            "redis",
            "the service is Redis's default user, who may do everything",
            "give it the user `jobindex` of deploy/redis/users.acl, and name it in REDIS_URL",
        )


def _line(server: IndexServer) -> Iterator[Finding]:
    if server.plain:
        yield Finding(
            WARNING,
            "redis",
            f"passwords and patients' data go unencrypted to {', '.join(server.plain)}",
            "let Redis listen with TLS (`tls-port`), and name it as rediss:// or rediss+sentinel:// in REDIS_URL",
        )


def _version(server: IndexServer) -> Iterator[Finding]:
    numbers = tuple(int(number) for number in re.findall(r"\d+", server.version)[:2])
    if numbers < OLDEST:
        yield Finding(
            WARNING, "redis", f"Redis {server.version or '?'} is older than what is tested", "use Redis 7.0 or newer"
        )


_CHECKS = (_policy, _persistence, _door, _line, _memory, _version)
