"""The table of what the doctor looks at, and the walk through it: one broken part ends its own check alone."""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

import aiohttp

from jobindex.cli.doctor.front import front_findings
from jobindex.cli.doctor.index import index_findings, keyspace_findings, rights_findings
from jobindex.cli.doctor.nodes import nodes_findings
from jobindex.cli.doctor.replicas import replica_findings
from jobindex.cli.doctor.set_up import mode_of, set_up_findings
from jobindex.cli.environment import SettingFault, WrongSettings, file_faults, misspelt, read_settings
from jobindex.errors import IndexRefused, IndexUnreachable, JobIndexError
from jobindex.model.finding import PROBLEM, WARNING, Finding
from jobindex.orthanc import client as orthanc
from jobindex.orthanc.tls import tls_context
from jobindex.safety import read_node_tls, read_reach, read_redis_tls
from jobindex.settings import Settings
from jobindex.store import opened

Check = Callable[[], Awaitable[list[Finding]]]

WITHIN = 3.0
"""Seconds for an answer of a replica or of nginx."""

SEE_REDIS = "see that REDIS_URL is right and that Redis runs"


async def examined(urls: Sequence[str], front: str) -> list[Finding]:
    """All findings, in the order of the table."""
    try:
        settings = read_settings()
    except WrongSettings as error:
        return [_wrong(fault) for fault in error.faults]
    if faults := file_faults(settings):
        return [_wrong(fault) for fault in faults]
    found = [*set_up_findings(settings, os.environ, mode_of(settings.secret_file)), *_misspelt()]
    async with AsyncExitStack() as stack:
        for check in [*await _of_the_index(settings, front, stack), *await _of_the_doors(urls, front, stack)]:
            found += await _tried(check)
    return list(dict.fromkeys(found))


async def _of_the_index(settings: Settings, front: str, stack: AsyncExitStack) -> list[Check]:
    if not settings.redis_url:
        return []
    store = await stack.enter_async_context(opened(settings.redis_url, read_redis_tls(settings)))
    client = await stack.enter_async_context(orthanc.opened(read_reach(settings), read_node_tls(settings)))
    return [
        partial(index_findings, store.server),
        partial(rights_findings, store.server),
        partial(keyspace_findings, store.server),
        partial(nodes_findings, store, client, front),
    ]


async def _of_the_doors(urls: Sequence[str], front: str, stack: AsyncExitStack) -> list[Check]:
    doors = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context()), timeout=aiohttp.ClientTimeout(total=WITHIN)
    )
    session = await stack.enter_async_context(doors)
    replicas = [partial(replica_findings, session, url) for url in urls]
    return [*replicas, partial(front_findings, session, front)] if front else [*replicas]


async def _tried(check: Check) -> list[Finding]:
    try:
        return await check()
    except IndexRefused as error:
        return [Finding(PROBLEM, "redis", f"Redis refused: {error.reply}", error.mend or "look at Redis's log")]
    except IndexUnreachable as error:
        return [Finding(PROBLEM, "redis", error.says, error.mend or SEE_REDIS)]
    except JobIndexError as error:
        return [Finding(PROBLEM, "redis", str(error), SEE_REDIS)]


def _wrong(fault: SettingFault) -> Finding:
    return Finding(PROBLEM, "settings", fault.says, fault.mend)


def _misspelt() -> list[Finding]:
    return [
        Finding(
            WARNING, "settings", f"{name} is no setting", f"correct its name ({meant})" if meant else "take it away"
        )
        for name, meant in misspelt(os.environ)
    ]
