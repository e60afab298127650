"""`jobindex demo`: a whole cluster on this machine, to look at and to play with."""

import asyncio
import signal
from typing import Annotated

import typer
from rich.console import Console

from jobindex.demo.demo import run_demo
from jobindex.demo.plan import Plan
from jobindex.demo.process import NotStarted


def demo(
    nodes: Annotated[int, typer.Option(min=1, max=50, help="Orthancs.")] = 3,
    replicas: Annotated[int, typer.Option(min=1, max=20, help="Replicas of this service.")] = 2,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where nginx listens; 0 for any.")] = 8080,
    traffic: Annotated[bool, typer.Option(help="Keep jobs coming.")] = True,
) -> None:
    """Run a whole cluster on this machine: Redis, Orthancs, replicas, nginx.

    Takes the real parts where they are installed, and says what stands in for them where not.  Ends at Ctrl-C,
    and leaves neither a process nor a file.  The exit status is 1 where a part can't start.
    """
    progress = Console(stderr=True, highlight=False)
    try:
        asyncio.run(_until_told(Plan(nodes=nodes, replicas=replicas, port=port), traffic, progress))
    except NotStarted as error:
        progress.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None


async def _until_told(plan: Plan, traffic: bool, progress: Console) -> None:
    """A second signal changes nothing: the parts are being ended already."""
    running = asyncio.create_task(run_demo(plan, traffic, progress, Console()), name="demo")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: running.cancelling() or running.cancel())
    try:
        await running
    except asyncio.CancelledError:
        progress.print("Ended; nothing of it is left.")
