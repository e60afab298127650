"""What the doctor finds in Redis: its set-up, our rights there, its Sentinels, and the keyspace."""

import time

from jobindex.model.finding import OK, PROBLEM, WARNING, Finding
from jobindex.model.index_server import described, faults
from jobindex.store.server import Server

SLOW = 0.05
"""Seconds for one question: every request asks one, and a script call more waits behind it."""
CLOCKS = 5.0
"""Seconds between two clocks: a signature counts for 60."""
SHOWN = 20
"""Breaches that are told one by one."""
ACL = "take the line of user `jobindex` from deploy/redis/users.acl, then ACL LOAD"


async def index_findings(server: Server) -> list[Finding]:
    told = await server.described()
    took = min([await server.latency() for _ in range(3)])
    apart = abs(time.time() - await server.clock())
    return [described(told), *faults(told), *pace(took), *clocks(apart), *sentinels(await server.quorum())]


async def rights_findings(server: Server) -> list[Finding]:
    return rights(await server.lacking(), await server.excess())


async def keyspace_findings(server: Server) -> list[Finding]:
    return keyspace(await server.breaches())


def pace(took: float) -> list[Finding]:
    says = f"Redis answers in {took * 1000:.1f} ms"
    mend = "put Redis nearer to the replicas, or look at what else keeps it busy (SLOWLOG, `redis-cli --latency`)"
    return [Finding(WARNING, "redis", says, mend) if took > SLOW else Finding(OK, "redis", says)]


def clocks(apart: float) -> list[Finding]:
    if apart < CLOCKS:
        return []
    mend = "let both follow a time server (chrony, systemd-timesyncd)"
    return [Finding(WARNING, "redis", f"the clocks here and at Redis are {apart:.0f} s apart", mend)]


def sentinels(quorum: dict[str, str]) -> list[Finding]:
    found = [
        Finding(
            PROBLEM,
            "sentinel",
            f"Sentinel {host} could not put another master in place: {why}",
            "see that it runs, knows the others, and lets our user in (deploy/redis/README.md)",
        )
        for host, why in quorum.items()
        if why
    ]
    if 0 < len(quorum) < 3:
        mend = "run three, on three machines, and name them all in REDIS_URL"
        found.append(Finding(WARNING, "sentinel", f"{len(quorum)} Sentinels agree on nothing when one is away", mend))
    return found or ([Finding(OK, "sentinel", f"{len(quorum)} Sentinels with a quorum")] if quorum else [])


def rights(lacking: list[str], excess: list[str]) -> list[Finding]:
    found = []
    if lacking:
        found.append(Finding(PROBLEM, "redis", f"our user may not: {', '.join(lacking)}", ACL))
    if excess:
        found.append(Finding(WARNING, "redis", f"our user may do more than it needs: {', '.join(excess)}", ACL))
    return found or [Finding(OK, "redis", "our user may do what it needs, and no more")]


def keyspace(breaches: list[str] | None) -> list[Finding]:
    if breaches is None:
        return [Finding(OK, "keyspace", "not walked: it is too large for a look while it serves")]
    if not breaches:
        return [Finding(OK, "keyspace", "every record, set and heartbeat agrees")]
    mend = "stop what else writes there; what Orthancs report again is mended by itself within a minute"
    found = [Finding(PROBLEM, "keyspace", breach, mend) for breach in breaches[:SHOWN]]
    more = len(breaches) - SHOWN
    return found + ([Finding(PROBLEM, "keyspace", f"and {more} more like these", mend)] if more > 0 else [])
