"""What is unsafe in settings is named, with its mending, and without a secret."""

from pathlib import Path
from typing import Any

import pytest

from jobindex.cli.doctor.set_up import mode_of, set_up_findings
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding
from jobindex.settings import Settings

CANARY = "canary-7f3a-canary-7f3a-canary-7f3a"
GOOD: dict[str, Any] = {"redis_url": "rediss://redis/0", "secret": CANARY}


def looked(environ: dict[str, str] | None = None, mode: int | None = 0o600, **changed: Any) -> list[Finding]:
    return set_up_findings(Settings.model_validate(GOOD | changed), environ or {}, mode)


def test_a_good_set_up_is_said_to_be_one() -> None:
    assert [finding.level for finding in looked()] == [OK]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_secret_that_others_may_read_is_named(mode: int) -> None:
    (finding,) = looked(mode=mode)
    assert (finding.level, f"{mode:03o}" in finding.says, "chmod" in finding.mend) == (WARNING, True, True)


@pytest.mark.parametrize("mode", [0o600, 0o400, None])
def test_one_that_they_may_not_is_not(mode: int | None) -> None:
    assert [finding.level for finding in looked(mode=mode)] == [OK]


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"secret": ""}, PROBLEM, "no secret"),
    ({"secret": "canary-7f3a-canary"}, WARNING, "fewer than 32"),
    ({"proxies": ["0.0.0.0/0"]}, PROBLEM, "JOBINDEX_PROXIES has 0.0.0.0/0"),
    ({"proxies": ["::/0"]}, PROBLEM, "JOBINDEX_PROXIES has ::/0"),
    ({"proxies": ["10.0.0.0/8", "128.0.0.0/1"]}, PROBLEM, "128.0.0.0/1"),
    ({"sample_routes": True}, WARNING, "unsigned"),
    ({"always_refresh": True}, WARNING, "every list asks"),
    ({"redis_url": ""}, WARNING, "Redis of its own"),
    ({"nodes": [{"id": "a", "url": "http://a", "password": CANARY}]}, WARNING, "password of node a"),
]


@pytest.mark.parametrize(("changed", "level", "says"), BAD)
def test_each_fault_is_named_and_its_mending(changed: dict[str, Any], level: str, says: str) -> None:
    (finding,) = looked(**changed)
    assert (finding.level, says in finding.says, bool(finding.mend)) == (level, True, True)
    assert "canary" not in str(finding)


def test_a_secret_in_the_environment_is_named() -> None:
    (finding,) = looked({"JOBINDEX_SECRET": CANARY})
    assert "environment" in finding.says
    assert "canary" not in str(finding)


def test_the_mode_is_the_file_s(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(CANARY)
    file.chmod(0o640)
    assert (mode_of(file), mode_of(None)) == (0o640, None)
    with pytest.raises(OSError, match="nowhere"):
        mode_of(tmp_path / "nowhere")
