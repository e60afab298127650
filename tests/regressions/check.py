"""Regression check: each test listed here fails on an older revision of the code, which had the fault it is for.

    python tests/regressions/check.py e589d20 [plugin rights ...]

The older revision is checked out beside this one, gets the tests of today, and runs the listed ones.  A test that
passes there proves nothing.  One that can't even be collected there (it names what did not exist) is shown as such.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TIMEOUT_S = 120


@dataclass(frozen=True)
class Regression:
    """A test, and what happens on code that has the fault."""

    topic: str
    test: str
    fails: str


@dataclass(frozen=True)
class Outcome:
    """How many of a test's cases failed on the older revision, and whether it was collected at all."""

    failed: int
    passed: int
    collected: bool

    @property
    def proves(self) -> bool:
        return self.failed > 0 or not self.collected

    def __str__(self) -> str:
        if not self.collected:
            return "not there yet"
        return f"{self.failed} of {self.failed + self.passed} fail" if self.failed else "PASSES"


def listed(topics: Sequence[str]) -> Iterator[Regression]:
    """The rows of the files here, of these topics or of all."""
    for file in sorted(HERE.glob("*.toml")):
        if not topics or file.stem in topics:
            for row in tomllib.loads(file.read_text())["regression"]:
                yield Regression(file.stem, row["test"], row["fails"])


@contextmanager
def older_tree(revision: str) -> Iterator[Path]:
    """A worktree of the revision, with the tests of today."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(tree), revision)
        try:
            copytree(ROOT / "tests", tree / "tests", dirs_exist_ok=True)
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


def outcome(tree: Path, regression: Regression) -> Outcome:
    """Run one test with the older code in front of the path."""
    report = tree.parent / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-x", f"--junitxml={report}", regression.test]
    if "::" in regression.test:
        command.remove("-x")
    own = {"PYTHONPATH": f"{tree / 'src'}:{tree / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.Popen(
        command,
        cwd=tree,
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ran.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:  # what hangs there ends here, and ended in time it has not
        os.killpg(ran.pid, 9)
        ran.wait()
        return Outcome(1, 0, collected=True)
    return read(report)


def read(report: Path) -> Outcome:
    """The counts of a JUnit report; an error while collecting leaves no case of the test's own."""
    if not report.exists():
        return Outcome(0, 0, collected=False)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it just now
    total, failures, errors, skipped = (
        sum(int(each.attrib[name]) for each in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    cases = [case for suite in suites for case in suite.iter("testcase")]
    collected = any(case.find("failure") is not None or case.get("time") != "0.000" for case in cases)
    return Outcome(failures + errors, total - failures - errors - skipped, collected=collected and total > 0)


def main(revision: str, topics: Sequence[str]) -> int:
    unproven = 0
    with older_tree(revision) as tree:
        for regression in listed(topics):
            found = outcome(tree, regression)
            unproven += not found.proves
            print(f"{found!s:16}{regression.test}\n{'':16}{regression.fails}", flush=True)
    print(f"{unproven} tests pass on {revision} and prove nothing" if unproven else f"all fail on {revision}")
    return min(unproven, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
