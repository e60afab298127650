"""Whether the other end of a TCP connection takes what is sent to it."""

import fcntl
import struct
import sys
import termios
import time
from collections.abc import Callable

LOOKS = 6
"""How often within its time a connection is looked at."""


def unsent(descriptor: int) -> int:
    """Bytes in the kernel that the other end has not acknowledged; 0 where the system doesn't tell."""
    if sys.platform != "linux":
        return 0
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))
    except OSError:
        return 0
    return int(count)


class Progress:
    """Looked at from time to time: whether `left` has been the same for `within_s` seconds."""

    def __init__(self, left: Callable[[], int], within_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = left
        self._within_s = within_s
        self._clock = clock
        self._last = left()
        self._since = clock()

    @property
    def pause_s(self) -> float:
        """Seconds until the next look."""
        return self._within_s / LOOKS

    def has_stopped(self) -> bool:
        left, now = self._left(), self._clock()
        if left != self._last:
            self._last, self._since = left, now
        return now - self._since >= self._within_s
