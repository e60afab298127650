"""A throw-away PostgreSQL for the Orthancs of a cluster, reached through a socket in its folder."""

import asyncio
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from .installed import postgres_programs
from .process import Process

USER = "postgres"  # the server refuses to run as root
SETTINGS = ("listen_addresses=", "fsync=off", "max_connections=300", "shared_buffers=32MB")

# $1 programs, $2 data, $3 user: the data are laid out at the first start
SCRIPT = """
set -e
[ -s "$2/PG_VERSION" ] || "$1/initdb" -D "$2" -A trust -U "$3" -N --no-instructions
program=$1/postgres data=$2
shift 3
exec "$program" -D "$data" "$@"
"""


@dataclass
class Postgres:
    """Whoever may enter the folder may connect, as USER and without a password."""

    folder: Path
    process: Process


def build_postgres(folder: Path) -> Postgres:
    programs = postgres_programs()
    folder.mkdir(mode=0o700)
    user = USER if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user, user)
    command = ["sh", "-c", SCRIPT, "postgres", str(programs), str(folder / "data"), USER, "-k", str(folder)]
    for setting in SETTINGS:
        command += ["-c", setting]

    async def ready() -> bool:
        return await _accepts(programs, folder)

    # SIGINT ends its connections first; SIGTERM would wait for them
    process = Process("postgres", command, folder / "postgres.log", ready, user=user, ending=signal.SIGINT)
    return Postgres(folder, process)


async def _accepts(programs: Path, folder: Path) -> bool:
    """Whether connections are taken, as PostgreSQL's own tool sees it: its socket is there too early."""
    probe = await asyncio.create_subprocess_exec(programs / "pg_isready", "-q", "-h", folder, "-U", USER)
    return await probe.wait() == 0
