"""The audit trail: takes records, and says whether they can be written.

Law: availability first.  A trail that can't be written holds nobody up for more than a moment.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from jobindex.audit.events import RECORDS_LOST
from jobindex.audit.record import MAJOR, Record, line, source_id
from jobindex.audit.sink import Sink
from jobindex.audit.writer import SLOW, Writer

log = logging.getLogger(__name__)

OFF = "none"
LAST_WORDS = 2.0
"""Seconds that what is left may take when the service stops."""


class Trail:
    """Takes records; without a writer there is no trail."""

    def __init__(self, writer: Writer | None = None) -> None:
        self._writer = writer
        self._source = source_id(os.getpid())

    @property
    def state(self) -> str:
        """`written`, `failing` or `off`."""
        if self._writer is None:
            return "off"
        return "failing" if self._writer.failing else "written"

    def note(self, record: Record, *, count: int = 1, since: float = 0.0) -> "Future[None] | None":
        """Take a record that stands for `count` of its kind `since` then (seconds since 1970); done when written."""
        writer = self._writer
        if writer is None:
            return None
        if writer.lost and writer.has_room:
            lost, writer.lost = writer.lost, 0
            writer.put(self._line(Record(RECORDS_LOST, outcome=MAJOR), lost, time.time()))
        return writer.put(self._line(record, count, since))

    async def written(self, record: Record) -> bool:
        """Take a record and wait until it is written: for a moment, and while the sink fails not at all."""
        failing, noted = self.state == "failing", self.note(record)
        if noted is not None and not failing:
            await asyncio.wait([asyncio.wrap_future(noted)], timeout=SLOW)
        return noted is None or noted.done()

    def _line(self, record: Record, count: int, since: float) -> bytes:
        return line(record, self._source, time.time(), count=count, since=since)


@contextmanager
def opened(where: str) -> Iterator[Trail]:
    """The trail in a file of this name, on standard output ("") or nowhere (`none`)."""
    if where == OFF:
        log.warning("there is no audit trail: who did what is recorded nowhere")
        yield Trail()
        return
    sink = Sink(Path(where) if where else None)
    writer = Writer(sink)
    thread = threading.Thread(target=writer.run, name="audit trail", daemon=True)
    thread.start()
    try:
        yield Trail(writer)
    finally:
        writer.close()
        thread.join(LAST_WORDS)
        if not thread.is_alive():
            sink.close()
