"""Cases B: a Redis whose disk is full: it takes no more writes, or ends."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from caller import eventually

from jobindex.demo.cluster import Plan

from .reads import reading
from .stage import staged

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.fault_long]

SIZE = 4 << 20  # bytes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a disk can't be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("often", ["everysec", "always"], ids=["b7", "b8"])
async def test_a_redis_whose_disk_is_full_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path, often: str
) -> None:
    options = ("--appendonly", "yes", "--appendfsync", often, "--dir", str(small_disk))
    async with staged(Plan(replicas=2, simulated=True, redis_options=options), tmp_path) as stage:
        redis = stage.nemesis.processes["redis"]
        ids = set(await stage.everywhere())
        async with reading(stage.front) as reads:
            fill(small_disk / "more")
            more = await stage.archive("orthanc-a", 30)
            await eventually(stage.all_stale, within=10)
            assert (await stage.front.act("cancel", more[-1])).result == "ok"
            assert redis.running == (often == "everysec")
            (small_disk / "more").unlink()
            if not redis.running:
                await redis.start()
            for replica in stage.replicas:
                await stage.listed(replica, more, "Success")
        assert reads.failed == []
        assert reads.complete_after(reads.calls[0].began, ids) == 0
        await stage.check()


def fill(file: Path) -> None:
    """Take what room there is."""
    with file.open("wb", buffering=0) as rest, suppress(OSError):
        while True:
            rest.write(bytes(4096))
