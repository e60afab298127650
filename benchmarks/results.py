"""What was measured, as Markdown tables and one JSON file, in `benchmarks/results/`."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .plot import Line, draw

FOLDER = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


@dataclass
class Table:
    """Rows of the same columns, and a sentence or two on how they were made."""

    title: str
    columns: Sequence[str]
    note: str = ""
    rows: list[Sequence[object]] = field(default_factory=list)

    def add(self, *row: object) -> None:
        self.rows.append(row)
        print("  ", " | ".join(_cell(each) for each in row), flush=True)

    def markdown(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return f"### {self.title}\n\n{self.note}\n\n" + "\n".join(_line(line) for line in lines) + "\n"


@dataclass
class Chapter:
    """One subject's tables and plots; written as it is closed."""

    name: str
    tables: list[Table] = field(default_factory=list)
    plots: list[tuple[str, str]] = field(default_factory=list)

    def table(self, title: str, *columns: str, note: str = "") -> Table:
        self.tables.append(Table(title, columns, note))
        print(f"{self.name}: {title}", flush=True)
        return self.tables[-1]

    def plot(self, name: str, lines: Sequence[Line], x: str, y: str) -> None:
        """A plot with logarithmic axes."""
        file = f"{self.name}-{name}.svg"
        (FOLDER / file).write_text(draw(lines, x, y))
        self.plots.append((name, file))

    def write(self) -> None:
        parts = [f"## {self.name.capitalize()}\n", machine(), *(table.markdown() for table in self.tables)]
        parts += [f"![{name}]({file})\n" for name, file in self.plots]
        (FOLDER / f"{self.name}.md").write_text("\n".join(parts))
        _quote(self.name, "\n".join(parts).replace("](", "](../benchmarks/results/"))


def _quote(name: str, text: str) -> None:
    """Put a chapter into its place on the page that people read."""
    before, begin, rest = PAGE.read_text().partition(f"<!-- {name} -->")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    PAGE.write_text(f"{before}{begin}\n{text}{end}{after}")


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def machine() -> str:
    """The machine's words for itself, and how busy it was, since a ratio is only worth as much as its run."""
    model = next((line.split(": ")[1] for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    words = [f"{os.cpu_count()} of {model}", f"Linux {platform.release()}", f"Python {platform.python_version()}"]
    words += [" ".join(redis.split()[:3]), f"TCP by {_congestion_control()}", f"load averages at the end {load}"]
    return "*" + "; ".join(words) + "*\n"


def _congestion_control() -> str:
    """It paces loopback too: with bbr a replica's sockets take a third of what they do with cubic."""
    try:
        return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    except OSError:
        return "an unknown rule"


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().replace("\t", "").splitlines()


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if type(value) is int else str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
