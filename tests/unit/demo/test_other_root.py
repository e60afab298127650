"""Orthanc of another root: found there, and run there with this machine's files at their own paths."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from jobindex.demo import installed
from jobindex.demo.checkout import JOBS_PLUGIN
from jobindex.demo.other_root import entered, other_root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with an Orthanc in it, and a Python library for it."""
    for path in ("usr/sbin/Orthanc", "usr/share/orthanc/plugins/libOrthancPython.so"):
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).touch()
    monkeypatch.setenv("JOBINDEX_TEST_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


def test_the_programs_are_named_as_the_root_sees_them(root: Path, tmp_path: Path) -> None:
    assert other_root() == root
    assert installed.orthanc_program() == Path("/usr/sbin/Orthanc")
    assert installed.orthanc_python() == Path("/usr/share/orthanc/plugins/libOrthancPython.so")
    assert installed.orthanc_command(tmp_path / "o.json")[-2:] == ["/usr/sbin/Orthanc", str(tmp_path / "o.json")]


def test_what_the_root_lacks_is_not_taken_from_here(root: Path) -> None:
    (root / "usr/sbin/Orthanc").unlink()
    with pytest.raises(installed.NotInstalled):
        installed.orthanc_command(Path("/o.json"))


def test_without_a_root_nothing_is_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBINDEX_TEST_ROOT", raising=False)
    assert other_root() is None
    assert entered(["Orthanc", "o.json"]) == ["Orthanc", "o.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may enter another root")
def test_this_machine_s_files_are_at_their_own_paths(root: Path, tmp_path: Path) -> None:
    """The root is given this machine's programs; that it is another one shows in its own file."""
    for folder in ("usr", "bin", "lib", "lib64"):
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).symlink_to(Path("/") / "host" / folder)
    (root / "host").mkdir()
    (root / "own").write_text("the other root's")
    (tmp_path / "here").write_text("this machine's")
    command = entered(["cat", "/own", str(tmp_path / "here"), str(JOBS_PLUGIN)])
    bound = ["unshare", "--mount", "sh", "-c", 'mount --rbind / "$0/host" && exec "$@"', str(root), *command]
    told = subprocess.run(bound, capture_output=True, check=True).stdout
    assert told == b"the other root'sthis machine's" + JOBS_PLUGIN.read_bytes()
