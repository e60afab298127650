"""An address that can't be one ends the doctor with a sentence on its option."""

import pytest
from typer.testing import CliRunner

from jobindex.cli import app

WRONG = (
    "127.0.0.1:8001",
    "ftp://replica",
    "http://[::1",
    "http://replica:99999",
    "http://replica:port",
    "https://",
    "",
    "localhost",
    "http://replica:8001/?x",
)


@pytest.mark.parametrize("option", ["--url", "--front"])
@pytest.mark.parametrize("address", WRONG)
def test_administrator_an_address_that_is_none_is_said_to_be_none(option: str, address: str) -> None:
    ended = CliRunner().invoke(app, ["doctor", option, address])
    assert isinstance(ended.exception, SystemExit), repr(ended.exception)
    assert ended.exit_code == 2
    (line,) = [line for line in ended.stderr.splitlines() if line]
    assert line.startswith(f'{option} is "{address}"')
    assert "http:// or https://" in line
    assert ended.stdout == ""


def test_administrator_a_login_in_an_address_is_not_repeated() -> None:
    ended = CliRunner().invoke(app, ["doctor", "--front", "http://me:canary-7f3a@front"])
    assert (ended.exit_code, "canary" in ended.output) == (2, False)
