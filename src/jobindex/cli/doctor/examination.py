"""The table of what the doctor looks at, and the walk through it: one broken part ends its own check alone."""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
from pydantic import ValidationError

from jobindex.cli.doctor.front import front_findings
from jobindex.cli.doctor.index import index_findings, keyspace_findings, rights_findings
from jobindex.cli.doctor.nodes import nodes_findings
from jobindex.cli.doctor.replicas import replica_findings
from jobindex.cli.doctor.set_up import mode_of, set_up_findings
from jobindex.errors import IndexRefused, JobIndexError
from jobindex.model.finding import PROBLEM, Finding
from jobindex.orthanc import client as orthanc
from jobindex.orthanc.tls import tls_context
from jobindex.safety import read_node_tls, read_reach, read_redis_tls
from jobindex.settings import Settings
from jobindex.store import opened

Check = Callable[[], Awaitable[list[Finding]]]

WITHIN = 3.0
"""Seconds for an answer of a replica or of nginx."""


async def examined(urls: Sequence[str], front: str) -> list[Finding]:
    """All findings, in the order of the table."""
    try:
        settings = Settings()
        found = set_up_findings(settings, os.environ, mode_of(settings.secret_file))
    except ValidationError as error:
        return [Finding(PROBLEM, "settings", *_wrong(each)) for each in error.errors(include_input=False)]
    except OSError as error:
        mend = "make it readable for the user that the service runs as, and for nobody else"
        return [Finding(PROBLEM, "settings", f"the secret's file can't be read ({error.strerror})", mend)]
    async with AsyncExitStack() as stack:
        for check in [*await _of_the_index(settings, stack), *await _of_the_doors(urls, front, stack)]:
            found += await _tried(check)
    return list(dict.fromkeys(found))


async def _of_the_index(settings: Settings, stack: AsyncExitStack) -> list[Check]:
    if not settings.redis_url:
        return []
    store = await stack.enter_async_context(opened(settings.redis_url, read_redis_tls(settings)))
    client = await stack.enter_async_context(orthanc.opened(read_reach(settings), read_node_tls(settings)))
    return [
        partial(index_findings, store.server),
        partial(rights_findings, store.server),
        partial(keyspace_findings, store.server),
        partial(nodes_findings, store, client),
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
    except JobIndexError as error:
        return [Finding(PROBLEM, "redis", str(error), "see that REDIS_URL is right and that Redis runs")]


def _wrong(error: object) -> tuple[str, str]:
    """What is wrong with a setting, without its value, which may be a secret."""
    place = ".".join(str(part) for part in error["loc"])  # type: ignore[index]  # pydantic's ErrorDetails
    return f"{place or 'the settings'}: {error['msg']}", "`jobindex settings` tells what each may be"  # type: ignore[index]  # the same
