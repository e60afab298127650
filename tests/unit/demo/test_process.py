"""A process is awaited, names itself when it fails, can be frozen and killed, and never outlives its parent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobindex.demo.ports import LOOPBACK, free_port
from jobindex.demo.probes import answers, listens, until
from jobindex.demo.process import NotStarted, Process

WITHIN = 10.0  # seconds


def server(folder: Path) -> tuple[Process, str]:
    """A small HTTP server, and its URL."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "http.server", str(port), "--bind", LOOPBACK]

    async def ready() -> bool:
        return await listens(LOOPBACK, port)

    return Process("server", command, folder / "server.log", ready), f"http://{LOOPBACK}:{port}/"


async def never() -> bool:
    return False


async def test_a_started_process_is_ready_and_a_stopped_one_is_gone(tmp_path: Path) -> None:
    process, url = server(tmp_path)
    await process.start()
    assert process.running
    assert await answers(url)
    await process.stop()
    assert not process.running
    assert not await answers(url)


async def test_a_restart_is_another_process_at_the_same_place(tmp_path: Path) -> None:
    process, url = server(tmp_path)
    await process.start()
    before = process.pid
    await process.restart()
    assert process.pid != before
    assert await answers(url)
    await process.kill()


async def test_a_frozen_process_is_silent_until_it_thaws(tmp_path: Path) -> None:
    process, url = server(tmp_path)
    await process.start()
    process.freeze()
    assert not await answers(url)
    process.thaw()
    assert await answers(url)
    await process.kill()


async def test_a_frozen_process_can_be_stopped(tmp_path: Path) -> None:
    process, _ = server(tmp_path)
    await process.start()
    process.freeze()
    await process.stop()
    assert not process.running


async def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"

    async def deaf() -> bool:
        return "deaf" in process.log_end()

    process = Process("deaf", [sys.executable, "-c", code], tmp_path / "log", deaf)
    await process.start()
    await process.stop(within=0.1)
    assert not process.running


async def test_one_that_ends_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = Process("broken", ["sh", "-c", "echo the disk is full; exit 3"], tmp_path / "log", never)
    with pytest.raises(NotStarted, match=r"broken ended(?s:.*)the disk is full"):
        await process.start()


async def test_one_that_is_never_ready_is_named(tmp_path: Path) -> None:
    process = Process("lazy", ["sleep", "1000"], tmp_path / "log", never)
    with pytest.raises(NotStarted, match="lazy was not ready"):
        await process.start(within=0.1)
    await process.kill()


async def test_its_environment_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "ours")
    command = ["sh", "-c", 'echo "[$OURS$THEIRS]"; exec sleep 1000']

    async def said() -> bool:
        return "]" in process.log_end()

    process = Process("envious", command, tmp_path / "log", said, {"THEIRS": "theirs"})
    await process.start()
    assert process.log_end() == "[theirs]\n"
    await process.kill()


PARENT = """
import asyncio, os, sys
from pathlib import Path
from jobindex.demo.process import Process

async def main():
    log = Path(sys.argv[1])

    async def ready():
        return "up" in log.read_text()

    process = Process("child", ["sh", "-c", "echo up; exec sleep 1000"], log, ready)
    await process.start()
    print(process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def kill_a_parent(log: Path) -> int:
    """Answers the pid of the child that it had."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(log)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
    return child


def is_dead(pid: int) -> bool:
    """Also where nobody has asked for its end yet."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return ") Z " in stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_killed_parent_takes_its_child_along(tmp_path: Path) -> None:
    child = kill_a_parent(tmp_path / "log")

    async def gone() -> bool:
        return is_dead(child)

    assert await until(gone, WITHIN)
