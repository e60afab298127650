"""Text edits: what the index shows of a job otherwise than its Orthanc does, as words behind the job's line in Redis.

A word is `name=path,path`, each path as it stands in a URL, so that a line stays one of words parted by spaces.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

_OUTPUTS = "outputs=deleted"

MAX_PATHS = 20
"""Paths that a word names; who needs to know which others there are asks the owner."""
MAX_PATH_CHARACTERS = 100


class Edits(NamedTuple):
    """Paths of members: those that were cut, for the job was too large, and those kept from an earlier reading."""

    cut: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    is_final: bool = False
    """Whether nothing is kept any more, since an output of the job was deleted."""

    @property
    def words(self) -> str:
        """The words for the job's line, "" for none."""
        words = [f"{name}={_written(paths)}" for name, paths in (("cut", self.cut), ("kept", self.kept)) if paths]
        return " ".join([*words, _OUTPUTS] if self.is_final else words)


NONE = Edits()


def edits_of(rest: str) -> Edits:
    """What the rest of a job's line tells; other words of it are passed over."""
    if "=" not in rest:
        return NONE
    words = dict(word.split("=", 1) for word in rest.split(" ") if "=" in word)
    return Edits(_read(words.get("cut", "")), _read(words.get("kept", "")), _OUTPUTS in rest.split(" "))


def bounded(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths as they are kept: sorted, each once, neither many nor long."""
    return tuple(sorted({path[:MAX_PATH_CHARACTERS] for path in paths if path})[:MAX_PATHS])


def _written(paths: Iterable[str]) -> str:
    return ",".join(quote(path, safe="") for path in paths)


def _read(word: str) -> tuple[str, ...]:
    return tuple(unquote(path) for path in word.split(",") if path)
