"""The cluster's secrets, two at a time while they change: each is valid, the first is what we seal with.

Law: a file that can't be used changes nothing; what was read last stays valid.
"""

import logging
import secrets
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

log = logging.getLogger(__name__)

_OWN_KEY = secrets.token_bytes(32)

SHORTEST = 16
"""Characters of a secret: `openssl rand -hex 8` at least."""
AGAIN = 1.0
"""Seconds between looks at the file."""


class Keyring:
    """The secrets that were `given`, or those in the lines of a `file`, which is read again when it changes.

    ValueError where a secret is too short or the file has none, OSError where it can't be read.
    """

    def __init__(
        self, given: str = "", file: Path | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._clock = clock
        self._looked = clock()
        self._mark = _mark(file) if file else None
        self._keys = _read(file) if file else _lines(given.encode())

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Those that are valid now; () where the cluster has no secret."""
        if self._file and self._clock() - self._looked >= AGAIN:
            self._looked = self._clock()
            self._look_again(self._file)
        return self._keys

    @property
    def digest_key(self) -> bytes:
        """What digests in Redis are keyed with: by a cluster without a secret, by this process for itself."""
        keys = self.keys
        return blake2b(keys[0], digest_size=32, person=b"jobindex-digests").digest() if keys else _OWN_KEY

    def _look_again(self, file: Path) -> None:
        """The mark is taken before the text: what is written between the two is seen at the next look."""
        mark = _mark(file)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._keys = _read(file)
        except (OSError, ValueError) as error:
            log.error("the cluster's secrets stay as they were: %s", error)
        else:
            log.warning("the cluster's secrets were read again: %d valid now", len(self._keys))


def _mark(file: Path) -> tuple[int, ...] | None:
    """Differs when the file was written, its rights changed, or another took its place; None while there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(file: Path) -> tuple[bytes, ...]:
    keys = _lines(file.read_bytes())
    if not keys:
        raise ValueError(f"{file} has no secret in it")
    return keys


def _lines(text: bytes) -> tuple[bytes, ...]:
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    if any(len(line) < SHORTEST for line in lines):
        raise ValueError(f"a secret of the cluster has fewer than {SHORTEST} characters")
    return lines
