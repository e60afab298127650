"""The cluster's secrets: each line of a file is one, what changed is read again, nothing bad is taken over."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

from jobindex.auth.keyring import AGAIN, Keyring

from ..waiting import HandClock

OLD, NEW = "the old secret of us", "the new secret of us"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(OLD + "\n")
    return path


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def keyring(file: Path, clock: HandClock) -> Keyring:
    return Keyring(file=file, clock=clock)


def after(clock: HandClock, keyring: Keyring) -> list[str]:
    """The secrets when the file may be looked at again."""
    clock.pass_by(AGAIN)
    return [key.decode() for key in keyring.keys]


def put(file: Path, text: str) -> None:
    """Another file in its place, as a tool that writes secrets does it."""
    other = file.with_suffix(".new")
    other.write_text(text)
    other.replace(file)


def test_what_is_given_is_valid() -> None:
    assert Keyring(OLD).keys == (OLD.encode(),)
    assert Keyring().keys == ()


def test_each_line_is_valid_and_the_first_comes_first(file: Path) -> None:
    file.write_text(f"\n  {NEW} \r\n\n{OLD}")
    assert Keyring(OLD * 2, file).keys == (NEW.encode(), OLD.encode())


@pytest.mark.parametrize("text", ["fifteen letters", f"{OLD}\nfifteen letters"])
def test_a_short_secret_is_refused_and_not_repeated(file: Path, text: str) -> None:
    file.write_text(text)
    for given, path in (("", file), (text, None)):
        with pytest.raises(ValueError, match="fewer than 16") as refusal:
            Keyring(given, path)
        assert "fifteen" not in str(refusal.value)


def test_a_file_without_a_secret_is_refused(file: Path) -> None:
    file.write_text(" \n\n")
    with pytest.raises(ValueError, match="no secret in it"):
        Keyring(OLD, file)
    with pytest.raises(OSError, match="nowhere"):
        Keyring(OLD, file.with_name("nowhere"))


def test_it_is_read_again_when_it_was_written(file: Path, clock: HandClock, keyring: Keyring) -> None:
    file.write_text(f"{OLD}\n{NEW}\n")
    assert keyring.keys == (OLD.encode(),)
    assert after(clock, keyring) == [OLD, NEW]


def test_another_file_of_the_same_size_and_time_is_seen(file: Path, clock: HandClock, keyring: Keyring) -> None:
    written = file.stat().st_mtime_ns
    put(file, NEW + "\n")
    os.utime(file, ns=(written, written))
    assert after(clock, keyring) == [NEW]


def test_a_link_that_leads_elsewhere_is_seen(file: Path, clock: HandClock) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    keyring = Keyring(file=link, clock=clock)
    put(file, OLD + "\n")
    other = file.with_name("other")
    other.write_text(NEW)
    link.unlink()
    link.symlink_to(other)
    assert after(clock, keyring) == [NEW]


def test_it_is_looked_at_once_a_second_at_most(clock: HandClock, keyring: Keyring, file: Path) -> None:
    put(file, NEW)
    clock.pass_by(AGAIN / 2)
    assert keyring.keys == (OLD.encode(),)
    assert after(clock, keyring) == [NEW]


@pytest.mark.parametrize("text", ["", "short", f"{NEW}\nshort"])
def test_what_can_not_be_used_changes_nothing_and_is_logged_once(
    file: Path, clock: HandClock, keyring: Keyring, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(file, text)
    for _ in range(3):
        assert after(clock, keyring) == [OLD]
    complaints = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(complaints) == 1
    assert "short" not in caplog.text
    put(file, NEW)
    assert after(clock, keyring) == [NEW]


def test_a_file_that_is_gone_changes_nothing_and_is_logged_once(
    file: Path, clock: HandClock, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    file.unlink()
    for _ in range(3):
        assert after(clock, keyring) == [OLD]
    assert len(caplog.records) == 1
    file.write_text(NEW)
    assert after(clock, keyring) == [NEW]


def test_the_log_never_says_a_secret(
    file: Path, clock: HandClock, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    put(file, f"{NEW}\n{OLD}")
    assert after(clock, keyring) == [NEW, OLD]
    assert "2 valid" in caplog.text
    assert NEW not in caplog.text
    assert OLD not in caplog.text


def test_administrator_a_file_that_gets_its_rights_back_is_read(
    clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """By `chmod`: it is the same file, of the same size and time."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "secret"
        file.write_text(OLD)
        keyring = Keyring(file=file, clock=clock)
        put(file, NEW)
        file.chmod(0o000)
        os.seteuid(user or 65534)
        try:
            assert after(clock, keyring) == [OLD]
        finally:
            os.seteuid(user)
        file.chmod(0o600)
        assert after(clock, keyring) == [NEW]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
