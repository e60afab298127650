"""The matrix of Debians: what is made of what was found, and what a visitor complains of."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from jobindex.demo.checkout import ROOT

FOLDER = ROOT / "tests" / "matrix"


def loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script is no part of a package, and finds its neighbours beside it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "table", raising=False)
    spec = importlib.util.spec_from_file_location(f"matrix_{name.strip('_')}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_releases_the_page_keeps_all_but_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = loaded("table", monkeypatch)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    found = {"trixie": table.Found({"python3": "3.13.5"}, {"run": "passes: 11 things tried"})}
    for _ in range(2):
        table.put(page, found)
    text = page.read_text()
    assert (text.startswith("before\n"), text.endswith("\nafter\n"), "old" in text) == (True, True, False)
    [row] = [line for line in text.splitlines() if line.startswith("| Debian")]
    assert row.startswith("| Debian 13 (trixie) | 3.13.5 |")
    assert row.endswith("| passes: 11 things tried | not tried | not tried |")


def test_releases_what_was_found_outlives_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = loaded("table", monkeypatch)
    found = {"bookworm": table.Found({"orthanc": "1.10.1"}, {"test": "passes"})}
    table.write(tmp_path / "found.json", found)
    assert table.read(tmp_path / "found.json") == found
    assert table.read(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [("5:8.0.2-3+deb13u1", "8.0.2"), ("1.12.7+dfsg-4", "1.12.7"), ("17+278", "17"), ("1.26.3-3~bpo1", "1.26.3")],
)
def test_releases_versions_are_those_of_the_programs(
    debian: str, upstream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loaded("__main__", monkeypatch)._upstream(debian) == upstream


def test_releases_the_numbers_of_the_tests_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = loaded("__main__", monkeypatch)._summary
    assert summary("...\n==== 2 failed, 7 passed in 61.01s (0:01:01) ====\nmake: *** Error 1\n", 90) == (
        "2 failed, 7 passed, 2 min"
    )
    assert summary("a\n11 things tried\n", 60) == "11 things tried, 1 min"


@pytest.mark.parametrize(
    ("line", "fine"),
    [("echo '{}'", True), ("true -o archive.zip", True), ("true", False), ("echo x; false", False)],
)
def test_releases_a_visitor_wants_an_answer_to_each_line(
    line: str, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (loaded("visitor", monkeypatch).complaint_of(line) == "") is fine
