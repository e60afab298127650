"""Takes the laws of `laws.toml` out of a copy of the code, one at a time, and shows that some test notices.

Law: a mutation is noticed when every test that is named for it fails, and passes on the same copy without it.

python tests/fault/mutations.py [WORD ...]     only the laws whose names contain one of the words

Exit status 1 when a law is gone and one of its tests passes all the same, or when its text is no longer in the code.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns

from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "deploy")
SETTINGS = "pyproject.toml"
LONGEST = 30  # seconds for a test; without a law one may wait for ever
PASSED, FAILED = 0, 1  # pytest's exit status; all others are errors of another kind, such as code that is none


@dataclass(frozen=True)
class Mutation:
    """A law, the text in a file that keeps it, what stands there instead, and the tests that should notice."""

    law: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]


class Copy:
    """A copy of the code in a folder of its own, whose tests test the copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in FOLDERS:
            copytree(ROOT / name, folder / name, ignore=ignore_patterns("__pycache__"))
        copy2(ROOT / SETTINGS, folder)
        assert self._imported().is_relative_to(folder), "the tests would not test the copy"

    def holds(self, mutation: Mutation) -> bool:
        """Whether the text is there, and once."""
        path = self._folder / mutation.file
        return path.exists() and path.read_text().count(mutation.text) == 1

    @contextmanager
    def without(self, mutation: Mutation) -> Iterator[None]:
        path = self._folder / mutation.file
        before = path.read_text()
        path.write_text(before.replace(mutation.text, mutation.instead))
        try:
            yield
        finally:
            path.write_text(before)

    def test(self, tests: Sequence[str]) -> tuple[int, str]:
        """Pytest's exit status, and what it printed."""
        options = ["-q", "--tb=no", "-p", "no:cacheprovider", f"--timeout={LONGEST}"]
        ran = self._python("-m", "pytest", *options, *(f"tests/{name}" for name in tests))
        return ran.returncode, ran.stdout + ran.stderr

    def _imported(self) -> Path:
        return Path(self._python("-c", "import jobindex; print(jobindex.__file__)").stdout.strip())

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The copy comes before the checkout; no byte code, which a change within the same second would outlive.

        With CI set, a part that is not installed fails a test instead of skipping it.
        """
        told = {"PYTHONPATH": str(self._folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "CI": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self._folder, env={**os.environ, **told}, capture_output=True, text=True)


def read_mutations(words: Sequence[str]) -> list[Mutation]:
    laws = tomllib.loads(Path(__file__).with_name("laws.toml").read_text())
    chosen = {law: told for law, told in laws.items() if not words or any(word in law for word in words)}
    return [Mutation(law, **{**told, "tests": tuple(told["tests"])}) for law, told in chosen.items()]


def unfit(copy: Copy, mutations: Sequence[Mutation]) -> list[str]:
    """Why nothing can be shown: texts that are no longer in the code, or tests that fail without any mutation."""
    if not mutations:
        return ["no law has such a name"]
    gone = [f"{each.file} no longer says once what keeps: {each.law}" for each in mutations if not copy.holds(each)]
    status, printed = copy.test(sorted({name for each in mutations for name in each.tests}))
    return gone if status == PASSED else [*gone, f"the tests don't pass as they are:\n{printed}"]


def unnoticed(copy: Copy, mutation: Mutation) -> str:
    """Why it can't be said that the law is tested; nothing when all its tests fail without it."""
    with copy.without(mutation):
        status, printed = copy.test(mutation.tests)
    if status not in (PASSED, FAILED):
        return f"can't be tried:\n{printed}"
    failed = re.findall(r"^FAILED tests/(\S+?::\w+)", printed, re.MULTILINE)
    return ", ".join(f"NOT noticed by {name}" for name in mutation.tests if name not in failed)


def try_all(copy: Copy, mutations: Sequence[Mutation], progress: Progress) -> int:
    """How many survive; a line for each, as it comes."""
    survivors = 0
    for mutation in progress.track(mutations, description="laws"):
        began = time.monotonic()
        reason = unnoticed(copy, mutation)
        survivors += bool(reason)
        line = f"{time.monotonic() - began:5.1f} s  {mutation.law}: {reason or 'noticed'}"
        progress.console.print(escape(line), highlight=False, soft_wrap=True)
    return survivors


def main(words: Sequence[str]) -> int:
    mutations = read_mutations(words)
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="jobindex-mutations-") as folder, Progress(*columns) as progress:
        copy = Copy(Path(folder).resolve())
        if reasons := unfit(copy, mutations):
            progress.console.print(escape("\n".join(reasons)), highlight=False, soft_wrap=True)
            return 1
        survivors = try_all(copy, mutations, progress)
        progress.console.print(f"{len(mutations)} mutations, {survivors} of them not noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
