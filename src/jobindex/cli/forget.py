"""`jobindex forget`: takes a node that will not come back off the list, on Redis itself: no Orthanc is asked."""

import asyncio
import getpass
import secrets
import socket
from dataclasses import replace
from typing import Annotated

import typer

from jobindex.audit.events import FORGOTTEN
from jobindex.audit.record import SERIOUS, SUCCESS, Record
from jobindex.audit.trail import Trail
from jobindex.audit.trail import opened as trail_opened
from jobindex.cli.environment import WRONG_SETTINGS, end_with, file_faults, settings_or_exit
from jobindex.cli.setting_form import example
from jobindex.errors import JobIndexError, NotNow, UnknownNode
from jobindex.model.node import LATE, Node
from jobindex.orthanc import client as orthanc
from jobindex.safety import read_node_tls, read_reach, read_redis_tls
from jobindex.service.losses import Losses
from jobindex.service.roster import Roster
from jobindex.service.timing import Timing
from jobindex.settings import Settings
from jobindex.store import Store, opened


def forget(
    node: Annotated[str, typer.Argument(help="Its id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Take a node that is late, gone or stopped off the list.

    The same as DELETE /job-index/nodes/NODE, where no Orthanc is left that could say who may.  Its finished jobs stay
    in the list, its unfinished ones are lost.  If it comes back, it registers again.  The exit status is 1 where the
    node is unknown or alive.
    """
    settings = settings_or_exit()
    if not settings.redis_url:
        typer.echo(f"REDIS_URL is not set: it says which index is meant, for example {example('redis_url')}", err=True)
        raise typer.Exit(WRONG_SETTINGS)
    if faults := file_faults(settings):
        raise end_with(faults)
    try:
        asyncio.run(_forget(node, settings, yes))
    except JobIndexError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


async def _forget(node_id: str, settings: Settings, yes: bool) -> None:
    async with (
        opened(settings.redis_url, read_redis_tls(settings)) as store,
        orthanc.opened(read_reach(settings), read_node_tls(settings)) as client,
    ):
        node = await _found(store, node_id)
        typer.echo(f"{node_id} at {node.url} is {node.state.lower()}; its unfinished jobs will be lost", err=True)
        if not (yes or typer.confirm("Go on?", err=True)):
            return
        with trail_opened(settings.audit_file) as trail:
            await _recorded(Roster(store, client, Losses(store), Timing()), node_id, node, trail)
    typer.echo(f"{node_id} is off the list", err=True)


async def _found(store: Store, node_id: str) -> Node:
    node = await store.nodes.fetch(node_id)
    if node is None:
        raise UnknownNode(f"There is no node {node_id}; there are: {', '.join(sorted(await store.nodes.everything()))}")
    if node.alive:
        raise NotNow(f"{node_id} is alive, as far as is known: stop it first (that it is silent, a replica notices)")
    return node


async def _recorded(roster: Roster, node_id: str, node: Node, trail: Trail) -> None:
    """Asked before, and answered after, as every change."""
    host, who = socket.gethostname(), getpass.getuser()
    record = Record(FORGOTTEN, "asked", secrets.token_hex(8), who, host, node=node_id, outcome=None)
    await trail.written(record)
    outcome = SERIOUS
    try:
        if node.state == LATE:
            await roster.give_up(node_id)
        await roster.delete(node_id)
        outcome = SUCCESS
    finally:
        trail.note(replace(record, phase="answered", outcome=outcome))
