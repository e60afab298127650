"""The demo as its visitor has it: it comes up, what it says works, and nothing is left of it."""

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import socket
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from jobindex.demo.cluster import temporary_folder
from jobindex.demo.ports import LOOPBACK, free_port
from jobindex.demo.probes import until

WITHIN = 60.0  # seconds
CANCELED = 37  # Orthanc's error code
COMMAND = (sys.executable, "-m", "jobindex", "demo")


@dataclass
class Demo:
    """`folder` is where it may leave files; it should leave none."""

    process: asyncio.subprocess.Process
    folder: Path

    async def told(self, end: str) -> str:
        """What it says, up to a line with these words."""
        assert self.process.stdout is not None
        text = ""
        async with asyncio.timeout(WITHIN):
            while end not in text:
                line = await self.process.stdout.readline()
                assert line, f"the demo ended:\n{text}"
                text += line.decode()
        return text

    async def ended(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(WITHIN):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode

    def left(self) -> list[str]:
        """The files, and the command lines of the processes, that it left behind."""
        return [str(path) for path in self.folder.iterdir()] + processes_in(self.folder)


@asynccontextmanager
async def demo(*options: str, cwd: str | None = None, **environment: str) -> AsyncIterator[Demo]:
    with temporary_folder() as folder:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *options,
            env={**os.environ, "TMPDIR": str(folder), **environment},
            cwd=cwd,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield Demo(process, folder)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


def processes_in(folder: Path) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((place / "cwd").readlink()).startswith(str(folder)):
                found.append((place / "cmdline").read_text().replace("\0", " "))
    return found


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


async def ask(session: aiohttp.ClientSession, url: str, method: str = "GET") -> bytes:
    async with session.request(method, URL(url, encoded=True)) as response:
        body = await response.read()
        assert response.status == 200, (method, url, response.status, body)
        return body


async def reach(session: aiohttp.ClientSession, url: str, state: str) -> dict[str, Any]:
    """Wait for a job's state: pause and cancel come true between two steps of the job."""
    async with asyncio.timeout(WITHIN):
        while True:
            job: dict[str, Any] = json.loads(await ask(session, url))
            if job["State"] == state:
                return job


async def nodes_listed(session: aiohttp.ClientSession, here: str) -> set[str]:
    """The nodes whose jobs are in the list."""
    jobs = json.loads(await ask(session, f"{here}/jobs?expand"))
    return {job["JobIndex"]["Node"] for job in jobs}


async def try_it(text: str, session: aiohttp.ClientSession) -> None:
    """Do what the text says, in its order."""
    here, archive = found(r"Open  (\S+)/ ", text), found(r"-o archive.zip (\S+)", text)

    async def all_listed() -> bool:
        return await nodes_listed(session, here) == {"orthanc-a", "orthanc-b", "orthanc-c"}

    assert await until(all_listed, WITHIN)
    good = json.loads(await ask(session, f"{here}/jobs?expand&status=Success"))
    assert {job["State"] for job in good} == {"Success"}
    pause, resume, cancel, resubmit = re.findall(r"-X POST (\S+)", text)
    job = pause.removesuffix("/pause")
    await ask(session, pause, "POST")
    await reach(session, job, "Paused")
    await ask(session, resume, "POST")
    await ask(session, cancel, "POST")
    assert (await reach(session, job, "Failure"))["ErrorCode"] == CANCELED
    await ask(session, resubmit, "POST")
    assert zipfile.ZipFile(io.BytesIO(await ask(session, archive))).testzip() is None


async def test_what_it_tells_to_try_works_and_nothing_is_left() -> None:
    login = {"Authorization": aiohttp.encode_basic_auth("demo", "demo")}
    async with demo("--port", str(free_port())) as shown, aiohttp.ClientSession(headers=login) as session:
        text = await shown.told("Ctrl-C")
        await try_it(text.replace("localhost", LOOPBACK), session)
        assert len(processes_in(shown.folder)) > 6
        assert await shown.ended(signal.SIGINT) == 0
        assert shown.left() == []


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """Neither curl nor anything of Redis is there."""
    (tmp_path / "setpriv").symlink_to("/usr/bin/setpriv")
    return str(tmp_path)


async def lines_work(text: str, path: str) -> None:
    for line in re.findall(r"^  ([^#\s].*)$", text.partition("Try\n")[2], re.MULTILINE):
        shell = await asyncio.create_subprocess_exec(
            "/bin/sh", "-ec", line, env={"PATH": path}, cwd=path, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await shell.communicate()
        assert shell.returncode == 0, line
        assert b"HttpError" not in told, line


async def test_releases_each_printed_line_works_where_little_is_installed(bare_path: str) -> None:
    async with demo("--port", str(free_port()), cwd=bare_path, PATH=bare_path) as shown:
        text = await shown.told("Ctrl-C")
        await lines_work(text, bare_path)
        assert await shown.ended(signal.SIGINT) == 0


async def test_it_can_be_ended_while_it_starts() -> None:
    async with demo("--port", str(free_port()), "--nodes", "1", "--replicas", "1") as starting:
        await starting.told("redis is up")
        assert await starting.ended(signal.SIGTERM) == 0
        assert starting.left() == []


async def test_a_taken_port_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        async with demo("--port", str(port)) as refused:
            assert f"Port {port} is taken" in await refused.told("taken")
            assert await refused.process.wait() == 1
            assert refused.left() == []
