"""Load, made by wrk: one thread, so many connections, each asking again as soon as it is answered, or after a pause."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


class NoAnswers(RuntimeError):
    """The load met errors, or nobody: there is nothing to measure."""


@dataclass(frozen=True)
class Load:
    """One run: answers and bytes a second, milliseconds of an answer."""

    rate: float
    bytes: float
    p50: float
    p95: float
    p99: float


async def load(
    url: str,
    *,
    clients: int,
    seconds: float = 1.0,
    headers: Mapping[str, str] | None = None,
    alike: bool = True,
    pause: float = 0.0,
) -> Load:
    """Ask for so long, each client again after about `pause` seconds; NoAnswers where 1 % of the answers are errors.

    Requests that are not `alike` differ in a number each.
    """
    program = shutil.which("wrk")
    if program is None:
        raise NoAnswers("wrk is not installed; on Debian: apt install wrk")
    told = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
    command = [program, "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "20s", *told]
    child = await asyncio.create_subprocess_exec(
        *command,
        "-s",
        str(SCRIPT),
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | ({} if alike else {"UNLIKE": "1"}) | ({"PAUSE_MS": str(round(pause * 1000))} if pause else {}),
    )
    text = (await child.communicate())[0].decode()
    return _read(text, url)


def _read(text: str, url: str) -> Load:
    line = next((line for line in text.splitlines() if line.startswith("read: ")), None)
    if line is None:
        raise NoAnswers(f"{url}: {text[-500:]}")
    requests, size, micros, failed, *latency = (int(word) for word in line.split()[1:])
    if not requests or failed > requests / 100:
        raise NoAnswers(f"{url}: {failed} errors, {requests} answers: {text[-500:]}")
    p50, p95, p99, _ = (each / 1000 for each in latency)
    return Load(requests * 1e6 / micros, size * 1e6 / micros, p50, p95, p99)
