"""What can be done to a cluster at random; each is a block, in which it lasts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from random import Random

from jobindex.demo.fault_proxy import FaultProxy
from jobindex.demo.layout import REPLICAS

from .stage import Stage

Harm = Callable[[Stage, Random], AbstractAsyncContextManager[None]]

WAYS = (FaultProxy.stall, FaultProxy.drop, FaultProxy.refuse, FaultProxy.reset)


def replica_killed(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    return stage.nemesis.killed(dice.choice(stage.replicas))


def replica_stopped(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    return stage.nemesis.stopped(dice.choice(stage.replicas))


def replica_frozen(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    return stage.nemesis.frozen(dice.choice(stage.replicas))


def orthanc_killed(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    return stage.nemesis.killed(dice.choice(stage.nodes))


def orthanc_stopped(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    return stage.nemesis.stopped(dice.choice(stage.nodes))


def orthanc_frozen(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    return stage.nemesis.frozen(dice.choice(stage.nodes))


def orthanc_cut_off(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    """It can't report."""
    return stage.nemesis.cut(dice.choice(WAYS), source=(dice.choice(stage.nodes),))


def orthanc_unreachable(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    """It can't be called."""
    return stage.nemesis.cut(dice.choice(WAYS), source=(REPLICAS,), target=(dice.choice(stage.nodes),))


def network_slow(stage: Stage, dice: Random) -> AbstractAsyncContextManager[None]:
    def slow(proxy: FaultProxy) -> None:
        proxy.latency = delay

    delay = dice.uniform(0.02, 0.1)
    return stage.nemesis.cut(slow, target=(dice.choice(stage.nodes),))


@asynccontextmanager
async def redis_killed(stage: Stage, dice: Random) -> AsyncIterator[None]:
    async with stage.nemesis.killed(await stage.nemesis.master_name()):
        yield


@asynccontextmanager
async def redis_frozen(stage: Stage, dice: Random) -> AsyncIterator[None]:
    async with stage.nemesis.frozen(await stage.nemesis.master_name()):
        yield


@asynccontextmanager
async def redis_emptied(stage: Stage, dice: Random) -> AsyncIterator[None]:
    await stage.nemesis.empty()
    yield


@asynccontextmanager
async def nginx_reloaded(stage: Stage, dice: Random) -> AsyncIterator[None]:
    """Nothing of this is to be seen."""
    os.kill(stage.nemesis.processes["nginx"].pid, signal.SIGHUP)
    yield


HARMS: tuple[Harm, ...] = (
    replica_killed,
    replica_stopped,
    replica_frozen,
    orthanc_killed,
    orthanc_stopped,
    orthanc_frozen,
    orthanc_cut_off,
    orthanc_unreachable,
    network_slow,
    redis_killed,
    redis_frozen,
    redis_emptied,
    nginx_reloaded,
)

LASTS = (0.5, 8.0)  # seconds
PAUSE = (0.0, 4.0)
TWO = 0.3  # how often a second one begins while the first lasts


async def harm(stage: Stage, dice: Random, seconds: float, harms: Sequence[Harm] = HARMS) -> list[str]:
    """One thing after the other, sometimes two at once; what was done.  Ends with all of it undone."""
    done: list[str] = []
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while loop.time() < ends:
        first, second = dice.sample(harms, 2)
        # Redis is back before a replica is started again, which can't start without it.
        async with AsyncExitStack() as later, AsyncExitStack() as sooner:
            chosen = (first, second) if dice.random() < TWO and _go_together(first, second) else (first,)
            for each in chosen:
                done.append(each.__name__)
                until_then = sooner if each.__name__.startswith("redis") else later
                await until_then.enter_async_context(each(stage, dice))
                await asyncio.sleep(dice.uniform(*LASTS))
        await asyncio.sleep(dice.uniform(*PAUSE))
    return done


def _go_together(first: Harm, second: Harm) -> bool:
    """The same part is not harmed twice at once: the end of one would end the other."""
    return first.__name__.split("_")[0] != second.__name__.split("_")[0]
