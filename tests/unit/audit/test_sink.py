"""The file of the trail: only its owner reads it, it is only appended to, and moving it away loses nothing."""

import os
import stat
from pathlib import Path

import pytest

from jobindex.audit.sink import Sink


def append(sink: Sink, text: bytes) -> None:
    sink.follow()
    assert sink.write(text) == len(text)


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    sink = Sink(path)
    append(sink, b"one\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sink.close()


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    path.write_text("before\n")
    sink = Sink(path)
    append(sink, b"one\n")
    path.open("a").close()
    os.truncate(path, 0)  # somebody else's doing; what is appended still goes to the end
    append(sink, b"two\n")
    assert path.read_bytes() == b"two\n"
    sink.close()


@pytest.mark.parametrize("moved", [True, False])
def test_a_file_that_was_moved_or_removed_is_made_anew(tmp_path: Path, moved: bool) -> None:
    path, old = tmp_path / "audit", tmp_path / "audit.1"
    sink = Sink(path)
    append(sink, b"one\n")
    path.rename(old) if moved else path.unlink()
    append(sink, b"two\n")
    assert path.read_bytes() == b"two\n"
    assert not moved or old.read_bytes() == b"one\n"
    sink.close()


def test_without_a_path_it_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sink = Sink()
    append(sink, b"one\n")
    sink.close()
    append(sink, b"two\n")
    assert capfdbinary.readouterr().out == b"one\ntwo\n"
