"""`make audit`: known holes, unsafe code, and a list of what a replica consists of, with its licences.

Fails on findings alone.  Where the source of advisories can't be reached it says so, since nothing found is then no
news: run it again where the package index's page of a release (pypi/<name>/<version>/json) answers.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
LOCKS = ("requirements.lock", "requirements-dev.lock")


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    holes = sum(holes_of(lock, folder) for lock in LOCKS)
    unsafe = ran("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", "src", "deploy").returncode
    list_parts(folder)
    return 1 if holes or unsafe else 0


def holes_of(lock: str, folder: Path) -> int:
    """How many known holes the packages of a lock have; each is printed."""
    file = folder / f"advisories-{lock}.json"
    file.unlink(missing_ok=True)
    options = ["--require-hashes", "--disable-pip", "--vulnerability-service", "pypi", "--progress-spinner", "off"]
    done = ran("pip-audit", "--requirement", lock, *options, "--format", "json", "--output", str(file), quiet=True)
    if not file.exists():
        print(f"{lock}: NOT audited, the source of advisories can't be reached: {last_line(done.stderr)}")
        return 0
    packages = json.loads(file.read_text())["dependencies"]
    found = list(holes_in(packages))
    unknown = sum("skip_reason" in package for package in packages)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{lock}: {len(packages)} packages, {len(found)} known holes")
    if unknown:
        print(f"{lock}: NOT audited are {unknown} of them: PyPI's JSON answers nothing about them from here")
    return len(found)


def holes_in(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for hole in package.get("vulns", []):
            mended = ", ".join(hole["fix_versions"]) or "no release yet"
            yield f"{package['name']} {package['version']}: {hole['id']}, mended in {mended}"


def list_parts(folder: Path) -> None:
    """What a replica consists of: its packages with their hashes in CycloneDX's form, and their licences."""
    where = ["--pyproject", "pyproject.toml", "--output-reproducible", "--no-validate", "-o", str(folder / "sbom.json")]
    # without its check of its own output, which takes longer than all the rest
    ran("cyclonedx-py", "requirements", LOCKS[0], *where, quiet=True).check_returncode()
    lines = [f"{name}  {licence_of(name)}" for name in names_in(Path(LOCKS[0]))]
    (folder / "licences.txt").write_text("\n".join(lines) + "\n")
    print(f"Written to {folder}: sbom.json, licences.txt ({len(lines)} packages)")


def names_in(lock: Path) -> list[str]:
    return [line.split("==")[0] for line in lock.read_text().splitlines() if "==" in line and line[0].isalpha()]


def licence_of(name: str) -> str:
    """As its metadata says: the expression, else what it is classified as, else its own short word."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return "not installed here"
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier", []) if each.startswith("License")]
    return told.get("License-Expression") or ", ".join(classified) or (told.get("License") or "?").splitlines()[0]


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"


def ran(program: str, *arguments: str, quiet: bool = False) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(BIN / program), *arguments], text=True, capture_output=quiet, check=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
