"""A copy of the service as its next version might be: it adds to what it writes into Redis and to what it answers."""

from pathlib import Path
from shutil import copytree, ignore_patterns

import jobindex

EDITS = (
    ("model/node.py", '    past: str = ""', '    rack: str = "seven"\n    past: str = ""'),
    ("store/nodes.py", '"kind", "incarnation"}', '"kind", "incarnation", "rack"}'),
    ("store/lua/jobs_put.lua", "after.rest = rest(before, after.words)", "after.rest = ' shelf=7'"),
    ("store/lua/shared.lua", "'by', ARGV[1])", "'by', ARGV[1], 'shelf', '7')"),
    (
        "model/report.py",
        "    refused: tuple[str, ...] = ()",
        '    refused: tuple[str, ...] = ()\n    advice: str = "!"',
    ),
)
"""The file, what stands in it, what the next version has instead."""


def build_successor(folder: Path) -> Path:
    """What has to be first on the Python path of a replica that is to be one."""
    copy = folder / "successor"
    copytree(Path(jobindex.__file__).parent, copy / "jobindex", ignore=ignore_patterns("__pycache__"))
    for name, before, after in EDITS:
        file = copy / "jobindex" / name
        text = file.read_text()
        assert text.count(before) == 1, f"{name} no longer says once: {before}"
        file.write_text(text.replace(before, after))
    return copy
