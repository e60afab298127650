"""Both commands of the README on each Debian: `python3 tests/matrix --roots FOLDER [--suites …] [--only …]`.

In a bare root of each suite, with a fresh clone of this checkout's last commit.  Knows the standard library only, and
needs root.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import table
from table import COMMANDS, PARTS, SUITES, Found

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
PAGE = CHECKOUT / "docs" / "compatibility.md"
CLONE = "index"
USER = "visitor"
LINES = {
    "run": "python3 tests/matrix/visitor.py",
    "run-as-user": f"su {USER} -c 'cd && cd {CLONE} && python3 tests/matrix/visitor.py'",
    "test": "make test",
}
RUN_OF_PYTEST = re.compile(r"=+ (.*(?:passed|failed|error).*) in [\d.]+s")


class Root:
    """One suite's root, and what is done in it."""

    def __init__(self, suite: str, roots: Path) -> None:
        self.suite = suite
        self.folder = roots / suite
        self._logs = roots

    def make(self) -> None:
        subprocess.run([HERE / "root", self.suite, self.folder], check=True)

    def clone(self, home: str, owner: str) -> None:
        place = self.folder / home / CLONE
        subprocess.run(["rm", "-rf", place], check=True)
        subprocess.run(["git", "clone", "--quiet", "--no-local", CHECKOUT, place], check=True)
        self.inside(f"chown -R {owner}: /{home}/{CLONE}")

    def do(self, command: str) -> tuple[bool, str]:
        """In a fresh clone; answers whether it went well, and what to say of it.  All that it says is in a file."""
        as_user = command == "run-as-user"
        if as_user:
            self.inside(f"id {USER} >/dev/null 2>&1 || useradd --create-home {USER}")
        self.clone(f"home/{USER}" if as_user else "root", USER if as_user else "root")
        began, log = time.monotonic(), self._logs / f"{self.suite}-{command}.log"
        with log.open("w") as told:
            line = LINES[command] if as_user else f"cd {CLONE} && {LINES[command]}"
            ended = subprocess.run([*self._enter(), line], stdout=told, stderr=subprocess.STDOUT, check=False)
        return ended.returncode == 0, _summary(log.read_text(errors="replace"), time.monotonic() - began)

    def versions(self) -> dict[str, str]:
        """Debian's, without what is Debian's own in them."""
        line = "dpkg-query -W -f '${Package} ${Version}\\n' " + " ".join(PARTS)
        told = self.inside(f"{line} 2>/dev/null || true").split()
        return {name: _upstream(version) for name, version in zip(told[::2], told[1::2], strict=True)}

    def inside(self, line: str) -> str:
        return subprocess.run([*self._enter(), line], check=True, capture_output=True, text=True).stdout

    def _enter(self) -> list[str]:
        return [str(HERE / "enter"), str(self.folder), "sh", "-c"]


def _upstream(version: str) -> str:
    """5:8.0.2-3+deb13u1 is 8.0.2."""
    return re.split(r"[-+~]", version.partition(":")[2] or version)[0]


def _summary(text: str, seconds: float) -> str:
    found = RUN_OF_PYTEST.findall(text)
    last = text.strip().splitlines()[-1][:100] if text.strip() else "it said nothing"
    return f"{found[-1] if found else last}, {seconds / 60:.0f} min"


def tried(suite: str, roots: Path, commands: Sequence[str], found: Found) -> bool:
    root, good = Root(suite, roots), True
    root.make()
    for command in commands:
        well, said = root.do(command)
        good &= well
        found.results[command] = f"{'passes' if well else '**fails**'}: {said}"
        sys.stderr.write(f"{suite} {command}: {found.results[command]}\n")
    found.versions = root.versions()
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roots", type=Path, required=True, help="where the roots are, or are to be")
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("make matrix makes roots and enters them, and so needs root: sudo make matrix")
    arguments.roots.mkdir(parents=True, exist_ok=True)
    file, good = arguments.roots / "found.json", True
    known = table.read(file)
    for suite in arguments.suites:
        good &= tried(suite, arguments.roots, arguments.only, known.setdefault(suite, Found()))
        table.write(file, known)
        table.put(PAGE, known)
    sys.stdout.write(table.shown(known) + "\n")
    sys.exit(not good)


if __name__ == "__main__":
    main()
