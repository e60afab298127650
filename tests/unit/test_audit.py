"""`make audit`: known holes fail it, a source that can't be reached doesn't but is said."""

import json
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOLE = {"name": "p", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.fixture
def audit() -> ModuleType:
    spec = spec_from_file_location("audit", ROOT / "deploy/audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(*packages: dict[str, Any], status: int = 0) -> Any:
    """In the place of the programs: pip-audit writes what it is told, or nothing."""

    def ran(program: str, *arguments: str, quiet: bool = False) -> "subprocess.CompletedProcess[str]":
        if program == "pip-audit" and packages:
            Path(arguments[-1]).write_text(json.dumps({"dependencies": packages}))
        return subprocess.CompletedProcess([program], status if program == "bandit" else 0, "", "no way out")

    return ran


@pytest.mark.parametrize(
    ("programs", "status", "said"),
    [
        (answering({"name": "p", "version": "1", "vulns": []}), 0, "1 packages, 0 known holes"),
        (answering(HOLE), 1, "p 1: PYSEC-1, mended in 2"),
        (answering({"name": "p", "skip_reason": "not found"}), 0, "NOT audited are 1 of them"),
        (answering(), 0, "NOT audited, the source of advisories can't be reached: no way out"),
        (answering({"name": "p", "version": "1", "vulns": []}, status=1), 1, "0 known holes"),
    ],
)
def test_only_findings_fail_it(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    programs: Any,
    status: int,
    said: str,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(audit, "ran", programs)
    assert audit.main(tmp_path / "audit") == status
    assert said in capsys.readouterr().out
    assert "redis  MIT" in (tmp_path / "audit/licences.txt").read_text()
