"""The package as it is installed, without the checkout around it."""

import asyncio
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from test_demo import Demo

from jobindex.demo.cluster import temporary_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to which the wheel was unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


async def test_administrator_the_demo_runs_from_a_wheel(installed: Path) -> None:
    with temporary_folder() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jobindex", "demo", "--nodes", "1", "--replicas", "1", "--port", "0"),
            env={**os.environ, "PYTHONPATH": str(installed), "TMPDIR": str(folder)},
            cwd=folder.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        shown = Demo(process, folder)
        try:
            await shown.told("Ctrl-C")
            assert await shown.ended(signal.SIGINT) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


def test_administrator_a_wheel_has_what_orthanc_and_nginx_need(installed: Path) -> None:
    files = installed / "jobindex" / "demo" / "files"
    for name in ("nginx.conf", "deploy/nginx/limits.conf", "deploy/orthanc/jobs_plugin.py"):
        assert (files / name).read_text() == (ROOT / name).read_text()
