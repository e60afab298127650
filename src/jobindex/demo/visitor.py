"""What the demo's visitor has at hand: the tools that this machine has, for the lines that are printed."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

SMALL_CURL = "jobindex.demo.small_curl"


@dataclass(frozen=True)
class Tools:
    """How a URL is asked for, how Redis is asked (not at all: ""), and whether Orthanc has a web page."""

    curl: str = "curl"
    redis_cli: str = "redis-cli"
    page: bool = True


def tools(page: bool) -> Tools:
    return Tools(_curl(), _first("redis-cli", "valkey-cli"), page)


def _curl() -> str:
    return _first("curl") or f"{_nearby(Path(sys.executable))} -m {SMALL_CURL}"


def _first(*names: str) -> str:
    return next((name for name in names if shutil.which(name)), "")


def _nearby(program: Path) -> str:
    """As one types it here."""
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)
