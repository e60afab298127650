"""The script that installs Debian packages: what it calls, on a machine whose tools are all scripted."""

import os
import subprocess
from pathlib import Path

from jobindex.demo.checkout import ROOT

SCRIPT = ROOT / "deploy" / "debian" / "install"
REAL = ("cat", "chmod", "env", "mktemp", "rm", "sh", "tail")
COMMANDS = ("deb-systemd-invoke", "invoke-rc.d", "update-rc.d", "systemctl", "service", "pg_createcluster")

# apt-get, as far as the packages' own scripts are concerned: they call their commands by DPkg::Path
APT_GET = """
echo "apt-get $*" >> "$CALLS"
path=$(echo "$*" | sed 's/.*DPkg::Path=\\([^ ]*\\).*/\\1/')
for command in $COMMANDS; do PATH=$path command -v "$command" >> "$CALLS"; done
PATH=$path deb-systemd-helper --quiet was-enabled x.service || echo "x is not enabled" >> "$CALLS"
"""


class Machine:
    """`root` says who calls; `installed` are the packages that are there."""

    def __init__(self, folder: Path, *, root: bool, installed: str = "") -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.calls.touch()
        for name in (*REAL, "sed"):
            (folder / name).symlink_to(f"/usr/bin/{name}")
        self.script("id", f"echo {0 if root else 1000}")
        self.script("sudo", "exit 1")
        self.script("dpkg-query", f'for last; do :; done; case " {installed} " in *" $last "*) printf installed;; esac')
        self.script("apt-get", APT_GET)

    def script(self, name: str, body: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.folder / name).chmod(0o755)

    def install(self, *packages: str) -> str:
        """What it says; it always ends well, since its caller goes on with what is there."""
        environment = {"PATH": str(self.folder), "CALLS": str(self.calls), "COMMANDS": " ".join(COMMANDS)}
        ended = subprocess.run(
            ["/bin/sh", SCRIPT, *packages],
            env={**environment, "TMPDIR": os.environ.get("TMPDIR", "/tmp")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stderr

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=True, installed="nginx orthanc")
    assert machine.install("nginx", "orthanc") == ""
    assert machine.called() == []


def test_what_is_missing_is_named_and_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=True, installed="nginx")
    assert "orthanc postgresql" in machine.install("nginx", "orthanc", "postgresql")
    [_, install] = [call for call in machine.called() if call.startswith("apt-get")]
    assert install.endswith("install --yes --no-install-recommends orthanc postgresql")


def test_the_packages_reach_no_service(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=True)
    machine.install("orthanc")
    reached = [call for call in machine.called() if call.startswith("/")]
    assert len(reached) == 2 * len(COMMANDS)
    assert not [path for path in reached if path.startswith(("/usr", "/bin", "/sbin"))]
    assert "x is not enabled" in machine.called()


def test_without_root_it_only_says_what_is_missing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=False)
    assert "apt install --no-install-recommends orthanc" in machine.install("orthanc")
    assert machine.called() == []


def test_a_failing_apt_is_shown_and_gone_on_without(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=True)
    machine.script("apt-get", "echo no network; exit 100")
    said = machine.install("orthanc")
    assert "no network" in said
    assert "Going on without: orthanc" in said
