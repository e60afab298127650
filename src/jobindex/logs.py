"""Logging: one line an event, JSON or text, with control characters escaped and no job content.

Law: of an error that is not ours, and not the system's, only the type is told: its text may quote what it choked on.
"""

import asyncio
import json
import logging
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from traceback import extract_tb
from typing import Any, TextIO

ACCESS = "jobindex.access"
TOGETHER = 0.05
"""Seconds that a line of the access log waits for others."""
PLAIN = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class Plain(logging.LogRecord):
    """A record of a finished text: to look up callers, threads and names of files is half of what others cost."""

    def __init__(self, name: str, level: int, text: str) -> None:
        now = time.time()
        told = {"name": name, "levelno": level, "levelname": logging.getLevelName(level), "msg": text}
        self.__dict__.update(_BLANK, created=now, msecs=now % 1 * 1000, **told)


_BLANK = vars(logging.LogRecord("", 0, "", 0, "", None, None))


class Lines(logging.Formatter):
    """What every form has in common: how an error and its causes are told."""

    def formatException(self, info: Any) -> str:  # noqa: N802 - the library's name
        """Where each was raised, and its text where that is safe."""
        error, told = info[1], []
        while error is not None:
            told += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in extract_tb(error.__traceback__)]
            told.append(named(error))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(told)


def named(error: BaseException) -> str:
    """An error as it may be logged."""
    ours = isinstance(error, OSError) or type(error).__module__.startswith("jobindex.")
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


class JsonLines(Lines):
    """One JSON object a line; control characters can't break out of a JSON string."""

    def format(self, record: logging.LogRecord) -> str:
        second, millis = divmod(int(record.created * 1000), 1000)
        head = f'{{"time": "{_second(second)}.{millis:03d}+00:00"{_origin(record.levelname, record.name)}'
        trace = f', "exception": {json.dumps(self.formatException(record.exc_info))}' if record.exc_info else ""
        return f'{head}, "message": {json.dumps(record.getMessage())}{trace}}}'


@lru_cache(maxsize=2)
def _second(since_1970: int) -> str:
    """Made once for all lines of a second."""
    return datetime.fromtimestamp(since_1970, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


@lru_cache(maxsize=1000)
def _origin(level: str, logger: str) -> str:
    """Made once for each place that logs."""
    return f', "level": "{level.lower()}", "logger": {json.dumps(logger)}'


class PlainLines(Lines):
    """Text for a terminal; a caller's line breaks are shown, not obeyed."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in super().formatMessage(record))


class Together(logging.StreamHandler[TextIO]):
    """Lines of the access log are written together, a moment late; any other line at once, behind them.

    A system call for each request costs as much as finding its answer.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + self.terminator)
            if record.name != ACCESS:
                self.flush()
            elif len(self._lines) == 1:
                self._flush_later()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
            if lines:
                self.stream.write("".join(lines))
                super().flush()

    def _flush_later(self) -> None:
        try:
            asyncio.get_running_loop().call_later(TOGETHER, self.flush)
        except RuntimeError:  # nothing runs that could do it
            self.flush()


def set_up_logging(level: str, form: str) -> None:
    """Send everything to stderr; `form` is `json` or `text`."""
    # nothing of ours names threads or processes, and looking them up costs half of a record
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = Together(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines(PLAIN))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
