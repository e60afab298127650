"""`jobindex settings` shows all, but no password."""

import pytest
from typer.testing import CliRunner

from jobindex.cli import app
from jobindex.cli.settings import masked
from jobindex.settings import Settings

CANARY = "canary-7f3a-canary"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"redis://me:{CANARY}@one:6379/0", "redis://me:**********@one:6379/0"),
        (f"redis://:{CANARY}@one:6379/0", "redis://:**********@one:6379/0"),
        ("redis://one:6379/0", "redis://one:6379/0"),
        ("rediss+sentinel://one:1,two:2/index", "rediss+sentinel://one:1,two:2/index"),
        (
            f"redis+sentinel://me:{CANARY}@[::1]:1/index?sentinel_user=me&sentinel_password={CANARY}",
            "redis+sentinel://me:**********@[::1]:1/index?sentinel_user=me&sentinel_password=**********",
        ),
    ],
)
def test_passwords_in_addresses_are_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_no_print_shows_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://me:{CANARY}@one:6379/0")
    monkeypatch.setenv("JOBINDEX_SECRET", CANARY)
    for arguments in (["settings"], ["settings", "--plain"]):
        printed = CliRunner().invoke(app, arguments).output
        assert "JOBINDEX_PUBLIC_PORT" in printed
        assert "canary" not in printed
    assert "canary" not in repr(Settings())
