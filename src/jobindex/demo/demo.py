"""The demo: a cluster, studies in it, jobs coming, and what to try."""

import asyncio
import time
from dataclasses import replace

import aiohttp
from rich.console import Console

from .client import Client
from .cluster import Plan, Tell, running
from .guide import guide
from .ports import free_port
from .probes import answers
from .slow_peer import slow_peer
from .stand_ins import fit
from .studies import load
from .traffic import SLOW, first_jobs, keep_busy
from .visitor import tools

HISTORY = 1000  # jobs that each Orthanc keeps, with their archives: what is shown can be tried for an hour
PAGE = "/app/explorer.html"  # Orthanc's own, which the simulator has not
PACE = ("--step", "0.3")  # seconds for an instance in the simulator, to whom every peer is fast


async def run_demo(plan: Plan, traffic: bool, progress: Console, result: Console) -> None:
    """Runs until it is cancelled, and leaves nothing behind; raises NotStarted."""
    plan, notes = fit(plan)
    for note in notes:
        progress.print(note, style="yellow", markup=False, soft_wrap=True)
    async with slow_peer() as slow, aiohttp.ClientSession() as session:
        plan = replace(plan, port=plan.port or free_port(), peers={SLOW: slow}, history=HISTORY, arguments=PACE)
        with progress.status("Starting; the replicas wait some seconds until each Orthanc has reported") as status:
            async with running(plan, _teller(progress)) as cluster:
                clients = [Client(node, session) for node in cluster.nodes.values()]
                status.update("Loading studies ...")
                studies = await load(clients[:1] if cluster.postgres else clients)
                examples = await first_jobs(clients, studies) if traffic else None
                status.stop()
                at_hand = tools(await answers(f"{clients[0].node.url}{PAGE}", clients[0].node.headers))
                text = guide(plan.port, cluster.redis.port, studies.small, examples, at_hand)
                result.print(text, markup=False, highlight=False, soft_wrap=True)
                await (keep_busy(clients, studies, examples) if examples else asyncio.Event().wait())


def _teller(progress: Console) -> Tell:
    began = time.monotonic()
    return lambda part: progress.print(f"  {time.monotonic() - began:5.1f} s  {part} is up")
