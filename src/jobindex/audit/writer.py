"""Writes lines by a thread of its own, so that nobody waits for a slow disk.

Law: what can't be written is kept, up to a limit, and written when it can be again: every line whole, once, in order.
(The standard library's handlers for logs drop what they can't write, and may leave half a line.)
"""

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from itertools import islice

from jobindex import metrics
from jobindex.audit.sink import Sink

log = logging.getLogger(__name__)

MOST = 10_000
"""Lines that are kept while they can't be written: some 9 MB."""
AT_ONCE = 200
AGAIN = 1.0
"""Seconds between two tries to write."""
SLOW = 0.5
"""Seconds that a line may need; a sink that takes longer is failing, as a pipe is that nobody reads."""


class Writer:
    """Keeps lines until they are written."""

    def __init__(self, sink: Sink, most: int = MOST) -> None:
        self._sink = sink
        self._most = most
        self._kept: deque[tuple[bytes, Future[None]]] = deque()
        self._since = 0.0
        """When the oldest of what is kept came, or what was kept before it was written."""
        self._broken = False
        self._news = threading.Condition()
        self._ending = threading.Event()
        self.lost = 0
        """Lines that were neither written nor kept, since somebody last looked."""

    @property
    def failing(self) -> bool:
        return self._broken or (bool(self._kept) and time.monotonic() - self._since > SLOW)

    @property
    def has_room(self) -> bool:
        """Whether one more line, and one after it, would be kept."""
        return len(self._kept) + 1 < self._most

    def put(self, line: bytes) -> "Future[None]":
        """Take a line; the future is done when it is written, and never where it is lost."""
        written: Future[None] = Future()
        with self._news:
            if len(self._kept) >= self._most:
                self.lost += 1
                metrics.audit_lost.inc()
                return written
            if not self._kept:
                self._since = time.monotonic()
            self._kept.append((line, written))
            self._news.notify()
        return written

    def run(self) -> None:
        """Write what comes until closed; what is left then gets one more try."""
        with suppress(_Ended):
            while True:
                self._write(self._next())

    def close(self) -> None:
        """No more comes."""
        self._ending.set()
        with self._news:
            self._news.notify()

    def _next(self) -> list[tuple[bytes, "Future[None]"]]:
        """What is to be written; it stays kept until it is."""
        with self._news:
            self._news.wait_for(lambda: self._kept or self._ending.is_set())
            if not self._kept:
                raise _Ended
            return list(islice(self._kept, AT_ONCE))

    def _write(self, batch: list[tuple[bytes, "Future[None]"]]) -> None:
        whole = rest = b"".join(line for line, _ in batch)
        while rest:
            try:
                if rest is whole:
                    self._sink.follow()  # between two lines only
                rest = rest[self._sink.write(rest) :]
            except OSError as error:
                self._wait_out(error)
        self._settle(batch)

    def _settle(self, batch: list[tuple[bytes, "Future[None]"]]) -> None:
        with self._news:
            self._since = time.monotonic()
            for _ in batch:
                self._kept.popleft()
        for _, written in batch:
            if written.set_running_or_notify_cancel():
                written.set_result(None)
        metrics.audit_records.inc(len(batch))
        if self._broken:
            log.warning("the audit trail is written again; %d records of it are lost", self.lost)
        self._broken = False

    def _wait_out(self, error: OSError) -> None:
        if not self._broken:
            log.error("the audit trail can't be written (%s); %d records are kept", error.strerror, self._most)
        self._broken = True
        if self._ending.wait(AGAIN):
            log.error("%d records of the audit trail are lost", len(self._kept) + self.lost)
            raise _Ended


class _Ended(Exception):
    """The service has stopped."""
