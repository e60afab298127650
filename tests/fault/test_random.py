"""Everything at random, for MINUTES: every five of them a new cluster and the next seed.

SEED=n repeats the first of them, ROUND=n makes each so many minutes long.
"""

import os
from pathlib import Path
from random import Random, SystemRandom

import pytest

from jobindex.demo.cluster import Plan

from .figures import note
from .harm import harm
from .stage import staged
from .traffic import busy

MINUTES = float(os.environ.get("MINUTES") or 5)
ROUND = min(float(os.environ.get("ROUND") or 5), MINUTES)
FIRST = int(os.environ.get("SEED") or SystemRandom().randrange(1_000_000))
SEEDS = range(FIRST, FIRST + max(1, int(MINUTES / ROUND)))

ANSWERED = 0.999
CALM = 30.0  # seconds until all is well again: a Redis server that was the master needs twenty to follow

pytestmark = pytest.mark.fault_long


@pytest.mark.timeout(ROUND * 60 + 180)
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_mixture_of_faults(seed: int, tmp_path: Path) -> None:
    """Seeds differ in what the cluster is made of too."""
    dice = Random(seed)
    plan = Plan(replicas=3, simulated=seed % 2 == 0, sentinel=seed % 4 < 2, options={"SaveJobs": False})
    async with staged(plan, tmp_path) as stage:
        async with busy(stage, dice, per_second=5) as reads:
            done = await harm(stage, dice, ROUND * 60)
        await stage.check(CALM)
    answered = 1 - len(reads.failed) / len(reads.calls)
    note(f"seed {seed}", f"{len(done)} faults, {answered:.3%} of {len(reads.calls)} reads answered")
    assert answered >= ANSWERED, reads.failed
