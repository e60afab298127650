"""Orthanc of another Debian: a root (as debootstrap makes them) named by a variable, entered by chroot.

What the other root runs sees this machine's temporary folder and checkout at the same paths, by bind mounts that
nobody else sees and that end with it.  It needs root.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .checkout import ROOT

VARIABLE = "JOBINDEX_TEST_ROOT"
ENTER = """
set -eu
root=$1 temporary=$2 checkout=$3
shift 3
for folder in "$temporary" "$checkout"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
exec chroot "$root" "$@"
"""


def other_root() -> Path | None:
    """The root that the variable names; None: this machine's own."""
    named = os.environ.get(VARIABLE)
    return Path(named).resolve() if named else None


def seen_from_here(path: Path) -> Path:
    """Where a file is that the other root has at this path."""
    root = other_root()
    return path if root is None else root / path.relative_to("/")


def entered(command: Sequence[str]) -> list[str]:
    """The command as it runs in the other root, with the same process id; itself, where none is named."""
    root = other_root()
    if root is None:
        return list(command)
    places = [str(root), tempfile.gettempdir(), str(ROOT)]
    return ["unshare", "--mount", "sh", "-c", ENTER, "enter", *places, *command]
