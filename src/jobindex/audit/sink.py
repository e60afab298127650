"""Where the audit trail goes: a file that is only ever appended to, or standard output."""

import os
from pathlib import Path

STANDARD_OUTPUT = 1


class Sink:
    """Appends; every method may raise OSError.  Without a path it is standard output."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file = STANDARD_OUTPUT if path is None else -1

    def follow(self) -> None:
        """Open the file, anew where it was moved away or replaced, as those do who rotate it."""
        if self._path is None or self._is_there():
            return
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)

    def write(self, text: bytes) -> int:
        """How many bytes were written: perhaps not all, and what was written is not to be written again."""
        return os.write(self._file, text)

    def close(self) -> None:
        if self._path is not None and self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _is_there(self) -> bool:
        if self._path is None or self._file < 0:
            return False
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._file))
