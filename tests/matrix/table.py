"""What the matrix found, kept between calls, and the page that is made of it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13", "testing": "Debian testing"}
COMMANDS = {"run": "`make run`", "run-as-user": "`make run`, not as root", "test": "`make test`"}
PARTS = {
    "python3": "Python",
    "orthanc": "Orthanc",
    "orthanc-python": "orthanc-python",
    "redis-server": "Redis",
    "nginx": "nginx",
    "postgresql": "PostgreSQL",
}
BEGIN, END = "<!-- begin of what make matrix found -->", "<!-- end -->"


@dataclass
class Found:
    """Of one suite: the versions there, and how each command ended."""

    versions: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)


Table = dict[str, Found]


def read(file: Path) -> Table:
    if not file.exists():
        return {}
    return {suite: Found(**found) for suite, found in json.loads(file.read_text()).items()}


def write(file: Path, table: Table) -> None:
    file.write_text(json.dumps({suite: asdict(found) for suite, found in table.items()}, indent=1))


def shown(table: Table) -> str:
    """As Markdown, a row for each suite."""
    heads = ["", *PARTS.values(), *COMMANDS.values()]
    rows = [_row(suite, table[suite]) for suite in SUITES if suite in table]
    return "\n".join(map(_line, [heads, ["---"] * len(heads), *rows]))


def put(page: Path, table: Table) -> None:
    text = page.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{shown(table)}\n\n{END}{after}")


def _row(suite: str, found: Found) -> list[str]:
    versions = [found.versions.get(package, "") for package in PARTS]
    return [f"{SUITES[suite]} ({suite})", *versions, *(found.results.get(command, "not tried") for command in COMMANDS)]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
