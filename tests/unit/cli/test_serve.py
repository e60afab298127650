"""`jobindex serve` says what to mend before anything starts, and never what a secret was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from typer.testing import CliRunner

from jobindex.cli import app

from ..web.replica import SECRET

CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET", "SECRET_FILE", "INSECURE", "SAMPLE_ROUTES"):
        monkeypatch.delenv(f"JOBINDEX_{name}", raising=False)


def refusal(*arguments: str, **environment: str) -> str:
    """What is said instead of starting."""
    told = {f"JOBINDEX_{name}": value for name, value in environment.items()}
    ended = CliRunner().invoke(app, ["serve", *arguments], env=told)
    assert ended.exit_code == 2
    return ended.output


def test_without_a_secret_it_says_how_to_make_one() -> None:
    assert "openssl rand -hex 32" in refusal()


def test_a_short_secret_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(CANARY)
    for told in (refusal(SECRET=CANARY), refusal(SECRET_FILE=str(file)), refusal("--insecure", SECRET=CANARY)):
        assert "fewer than 16 characters" in told
        assert CANARY not in told


def test_a_secret_s_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(SECRET_FILE=str(tmp_path / "nowhere"))


def test_insecure_goes_not_together_with_tokens() -> None:
    assert "seal" in refusal("--insecure", SAMPLE_ROUTES="true")


def test_a_wrong_value_that_may_be_secret_is_named_and_not_repeated() -> None:
    told = refusal(SECRET="x" * 16, NODES=f'["{CANARY}"]')
    assert "JOBINDEX_NODES" in told
    assert CANARY not in told


def served(**environment: str) -> tuple[int, str]:
    """Its exit status, and what it said."""
    command = [sys.executable, "-m", "jobindex", "serve"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBINDEX_")}
    ran = subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_on_a_redis_that_evicts_it_does_not_start(redis_url: str, policy: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.config_set("maxmemory-policy", policy)
        try:
            status, said = served(REDIS_URL=redis_url, JOBINDEX_SECRET=SECRET)
        finally:
            redis.config_set("maxmemory-policy", "noeviction")
    assert status == 1
    assert said.splitlines()[-1].endswith("CONFIG SET maxmemory-policy noeviction")
    assert "Traceback" not in said
