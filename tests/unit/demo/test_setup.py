"""The script that sets up `.venv`: what it does where Python has no pip to put in, with all tools scripted."""

import os
import subprocess
from pathlib import Path

import pytest

from jobindex.demo.checkout import ROOT

PYTHON = """#!/bin/sh
case "$*" in
"-m venv .venv") echo "ensurepip is not available"; exit 1 ;;
"-m venv --without-pip .venv") mkdir -p .venv/bin && cp "$TOOLS/inner" .venv/bin/python ;;
esac
"""
INNER = """#!/bin/sh
# python .../pip-1.whl/pip install ... puts pip in
[ -e "${1%/pip}" ] && cp "$TOOLS/pip" .venv/bin/pip
"""
PIP = """#!/bin/sh
echo "pip $*" >>"$TOOLS/calls"
echo "chatter of pip"
exit "${PIP_ENDS:-0}"
"""
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$TOOLS/calls"
case "$*" in *download*) touch python3-pip-whl.deb ;; esac
"""
DPKG_DEB = """#!/bin/sh
mkdir -p .setup/pip/usr/share/python-wheels && touch .setup/pip/usr/share/python-wheels/pip-1.whl
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with nothing but our scripts, and the scripted tools beside it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    scripts = {"python": PYTHON, "inner": INNER, "pip": PIP, "apt-get": APT_GET, "dpkg-deb": DPKG_DEB}
    for name, text in scripts.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "deploy").symlink_to(ROOT / "deploy")
    return tmp_path / "checkout"


def set_up(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    tools = checkout.parent / "tools"
    path = f"{tools}:{os.environ['PATH']}"
    return subprocess.run(
        ["deploy/setup", str(tools / "python"), "some.lock"],
        cwd=checkout,
        env={"PATH": path, "TOOLS": str(tools), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_releases_it_needs_neither_root_nor_python3_venv(checkout: Path) -> None:
    ended = set_up(checkout)
    assert ended.returncode == 0, ended.stderr
    calls = (checkout.parent / "tools" / "calls").read_text().splitlines()
    assert len([call for call in calls if call.startswith("pip install")]) == 2


def test_releases_what_the_tools_say_is_hidden(checkout: Path) -> None:
    ended = set_up(checkout)
    assert "chatter" not in ended.stdout + ended.stderr


def test_releases_what_the_tools_say_is_shown_where_they_fail(checkout: Path) -> None:
    ended = set_up(checkout, PIP_ENDS="1")
    assert ended.returncode == 1
    assert "chatter of pip" in ended.stderr
