"""A replica as nobody, without any capability, on a machine where nothing can be written."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobindex.demo.checkout import ROOT
from jobindex.demo.cluster import temporary_folder
from jobindex.demo.ports import LOOPBACK, free_ports
from jobindex.demo.process import Process
from jobindex.demo.replica import build_replica

from ..scripted_orthanc import scripted
from ..waiting import until
from ..web.replica import SECRET, Replica, client
from ..words import job

NOBODY = 65534
CONFINE = f"""
set -e
mount --make-rprivate /
mount -t tmpfs none /mnt
for folder in "$PYTHON_BASE" "$CHECKOUT"; do
    if ! setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups test -x "$folder/."; then
        mkdir -p "/mnt$folder"
        mount --bind "$folder" "/mnt$folder"
        hidden="$hidden $folder"
    fi
done
for folder in $hidden; do
    top=/$(echo "$folder" | cut -d/ -f2)
    [ "$top" = "$covered" ] || mount -t tmpfs -o mode=755 none "$top"
    covered=$top
done
for folder in $hidden; do
    mkdir -p "$folder"
    mount --move "/mnt$folder" "$folder"
done
umount /mnt
cut -d' ' -f2 /proc/self/mounts | grep -v '^/proc' | while read -r place; do
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
"""
"""Python itself, or the checkout, may lie where nobody may look: then nothing else of that folder is left but it."""


def skip_where_mounts_are_not_ours() -> None:
    command = ["unshare", "-m", "mount", "--make-rprivate", "/"]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may make a machine that can't be written to")


def confined(process: Process) -> Process:
    """The same program in a mount namespace of its own."""
    process.command = ["unshare", "-m", "sh", "-c", CONFINE, "sh", *process.command]
    process.environment = {
        **process.environment,
        "PYTHON_BASE": sys.base_prefix,
        "CHECKOUT": str(ROOT),
        "JOBINDEX_SECRET": SECRET,
    }
    return process


@pytest.fixture
async def replica(redis_url: str) -> AsyncIterator[tuple[Replica, Process]]:
    skip_where_mounts_are_not_ours()
    public, internal = free_ports(2)
    with temporary_folder() as folder:
        built = build_replica("confined", folder, (public, internal), redis_url, {"JOBINDEX_SECRET_FILE": ""})
        process = confined(built.process)
        process.environment = {name: value for name, value in process.environment.items() if value}
        process.launch()
        try:
            async with client() as session:
                yield Replica(public, internal, session), process
        finally:
            await process.stop()


async def test_it_serves_and_ends_in_order(replica: tuple[Replica, Process]) -> None:
    served, process = replica
    async with scripted(login=True) as orthanc:
        await until(lambda: _reported(served, orthanc))
        async with asyncio.timeout(30):
            await process.await_ready()
        assert (await served.get("/jobs?expand")).json[0]["State"] == "Running"
    status = _status(process.pid)
    assert {status["Uid"], status["Gid"]} == {"\t".join([str(NOBODY)] * 4)}
    assert (status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapBnd"], 16)) == ("1", 0, 0)
    assert not _may_be_written(process.pid)
    await process.stop()
    said = process.log.read_text()
    assert f"http://{LOOPBACK}" in said  # the node's address: the log is the replica's, and whole
    assert not any(word in said for word in ("Read-only", "Permission denied", "Traceback"))


async def _reported(served: Replica, orthanc: object) -> bool:
    try:
        return (await served.report("a", job(1), at=orthanc, Complete=True)).status == 200  # type: ignore[arg-type]
    except OSError:
        return False


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _may_be_written(pid: int) -> list[str]:
    """The mounts that the process could write to, were it allowed."""
    lines = Path(f"/proc/{pid}/mounts").read_text().splitlines()
    topmost = {place: options for _, place, _, options, *_ in (line.split(" ") for line in lines)}
    return [place for place, options in topmost.items() if "rw" in options.split(",") and _is_a_disk(place)]


def _is_a_disk(place: str) -> bool:
    return not place.startswith(("/proc", "/sys", "/dev"))
