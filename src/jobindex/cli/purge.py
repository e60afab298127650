"""`jobindex purge`: takes jobs, or what they say of patients, out of the index and off Redis's disk."""

import asyncio
import getpass
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from jobindex.audit.events import purge as purged
from jobindex.audit.record import SERIOUS, SUCCESS, Record
from jobindex.audit.trail import Trail
from jobindex.audit.trail import opened as trail_opened
from jobindex.cli.environment import WRONG_SETTINGS, end_with, file_faults, settings_or_exit
from jobindex.cli.setting_form import example
from jobindex.errors import JobIndexError
from jobindex.safety import read_redis_tls
from jobindex.service.purge import Purge, Step
from jobindex.service.timing import Timing
from jobindex.settings import Settings
from jobindex.store import Store, opened
from jobindex.store.jobs import BATCH, Stored

purge = typer.Typer(help="Take jobs, or what they say of patients, out of the index.", no_args_is_help=True)
console = Console(stderr=True, highlight=False)

Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Find = Callable[[Purge, Step], Awaitable[list[Stored]]]

SHOWN = 20
"""Jobs that are named before it is asked."""


@purge.command("job")
def purge_job(
    ids: Annotated[list[str], typer.Argument(help="Ids of jobs.")], yes: Yes = False, dry: Dry = False
) -> None:
    """Remove these jobs."""
    _run(Order("job", lambda at, _: at.named(ids), yes=yes, dry=dry))


@purge.command("node")
def purge_node(node: Annotated[str, typer.Argument(help="Its id.")], yes: Yes = False, dry: Dry = False) -> None:
    """Remove all jobs of a node."""
    _run(Order("node", lambda at, _: at.of_node(node), yes=yes, dry=dry))


@purge.command("study")
def purge_study(
    study: Annotated[str, typer.Argument(help="Its Orthanc id or StudyInstanceUID.")],
    yes: Yes = False,
    dry: Dry = False,
) -> None:
    """Remove all jobs whose text names a study.  Where no content is kept, none does."""
    _run(Order("study", lambda at, step: at.of_study(study, step), yes=yes, dry=dry))


@purge.command("content")
def purge_content(yes: Yes = False, dry: Dry = False) -> None:
    """Empty what jobs say of patients, as JOBINDEX_CONTENT=minimal does with those that come; set that first."""
    _run(Order("content", lambda at, step: at.too_full(step), yes=yes, dry=dry, keeps_jobs=True))


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator wants removed; `keeps_jobs`: only what they say."""

    name: str
    find: Find
    yes: bool
    dry: bool
    keeps_jobs: bool = False


def _run(order: Order) -> None:
    settings = settings_or_exit()
    if not settings.redis_url:
        console.print(f"REDIS_URL is not set: it says which index is meant, for example {example('redis_url')}")
        raise typer.Exit(WRONG_SETTINGS)
    if faults := file_faults(settings):
        raise end_with(faults)
    try:
        asyncio.run(_purge(order, settings))
    except JobIndexError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None


async def _purge(order: Order, settings: Settings) -> None:
    async with opened(settings.redis_url, read_redis_tls(settings)) as store:
        at = Purge(store, Timing())
        with _progress("looking", await store.jobs.count()) as step:
            found = await order.find(at, step)
        await _announce(order, at, found)
        if order.dry:
            return
        if not found:  # what was removed before may still be on the disk
            await _clean(store)
            return
        if not (order.yes or typer.confirm("Go on?", err=True)):
            return
        with trail_opened(settings.audit_file) as trail, _progress("removing", len(found)) as step:
            count = await _carry_out(order, at, found, trail, step)
        console.print(f"{count} of {len(found)} done")
        await _clean(store)


async def _announce(order: Order, at: Purge, found: Sequence[Stored]) -> None:
    jobs = "1 job" if len(found) == 1 else f"{len(found)} jobs"
    console.print(f"{jobs} to {'reduce' if order.keeps_jobs else 'remove'}")
    for job in found[:SHOWN]:
        console.print(f"  {job.id} of {job.record.node}, {job.record.state}", markup=False)
    if len(found) > SHOWN:
        console.print("  ...")
    held = [] if order.keeps_jobs else await at.held(found)
    if held:
        console.print(
            f"{len(held)} of them a living Orthanc still has, and goes on having until they are deleted there:"
        )
        console.print("no list shows them any more, but who asks for one by its id gets that Orthanc's answer")


async def _carry_out(order: Order, at: Purge, found: Sequence[Stored], trail: Trail, step: Step) -> int:
    """In parts, each asked and answered in the audit trail."""
    count = 0
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        with _recorded(order, part, trail) as asked:
            await asked
            count += await (at.reduce if order.keeps_jobs else at.drop)(part)
        step(len(part))
    return count


@contextmanager
def _recorded(order: Order, jobs: Sequence[Stored], trail: Trail) -> Iterator[Awaitable[bool]]:
    """Asked for each job, whose writing is to be awaited; afterwards answered for each."""
    who = Record(
        purged(order.name), "asked", secrets.token_hex(8), getpass.getuser(), socket.gethostname(), outcome=None
    )
    records = [replace(who, job=job.id, node=job.record.node) for job in jobs]
    for record in records[:-1]:
        trail.note(record)
    outcome = SERIOUS
    try:
        yield trail.written(records[-1])
        outcome = SUCCESS
    finally:
        for record in records:
            trail.note(replace(record, phase="answered", outcome=outcome))


async def _clean(store: Store) -> None:
    """Other servers of a Sentinel set have files of their own."""
    for sentence in await store.disk.rewrite():
        console.print(sentence, markup=False)
    console.print("Each replica of Redis, and each backup, has files of its own")


@contextmanager
def _progress(what: str, total: int) -> Iterator[Step]:
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)
