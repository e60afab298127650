"""The cluster's Orthancs: real ones as Debian installs them, or the simulator in their place."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from .configuration import LOGIN, Seat, configure
from .installed import orthanc_command, orthanc_postgres, orthanc_python
from .postgres import Postgres
from .probes import answers
from .process import Process


@dataclass
class Node:
    """One Orthanc; its name is its node id too."""

    name: str
    url: str
    port: int
    process: Process
    headers: Mapping[str, str]


def build_real(seat: Seat, postgres: Postgres | None, options: Mapping[str, Any]) -> Node:
    """An Orthanc with SQLite, or with all others on one PostgreSQL; `options` win over what is set here."""
    libraries = ([orthanc_python()] if seat.plugin else []) + ([orthanc_postgres()] if postgres else [])
    path = _write(seat, configure(seat, libraries, postgres) | dict(options))
    # a folder of byte code beside the plugin would outlive the cluster
    return _node(seat, orthanc_command(path), {"PYTHONDONTWRITEBYTECODE": "1"})


def build_simulated(seat: Seat, options: Mapping[str, Any], arguments: Sequence[str]) -> Node:
    """The simulator, configured as an Orthanc is; `arguments` are more of its command line."""
    path = _write(seat, configure(seat, [], None) | dict(options))
    command = [sys.executable, "-m", "jobindex.demo.simulator", "--configuration", str(path), *arguments]
    return _node(seat, command + (["--plugin", str(seat.plugin)] if seat.plugin else []), {})


def _write(seat: Seat, configuration: Mapping[str, Any]) -> Path:
    seat.folder.mkdir(mode=0o700)
    # several Orthancs that make one storage at the same moment stumble over each other
    seat.storage.mkdir(mode=0o700, exist_ok=True)
    path = seat.folder / "orthanc.json"
    path.write_text(json.dumps(configuration, indent=2))
    return path


def _node(seat: Seat, command: Sequence[str], environment: Mapping[str, str]) -> Node:
    headers = {"Authorization": aiohttp.encode_basic_auth(*LOGIN)}

    async def ready() -> bool:
        return await answers(f"{seat.url}/system", headers)

    process = Process(seat.name, command, seat.folder / "orthanc.log", ready, environment)
    return Node(seat.name, seat.url, seat.port, process, headers)
