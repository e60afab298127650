"""Logging: one line an event, JSON or text, with control characters escaped and no job content.

Law: of an error that is not ours, and not the system's, only the type is told: its text may quote what it choked on.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from traceback import extract_tb
from typing import Any

PLAIN = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


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
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class PlainLines(Lines):
    """Text for a terminal; a caller's line breaks are shown, not obeyed."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in super().formatMessage(record))


def set_up_logging(level: str, form: str) -> None:
    """Send everything to stderr; `form` is `json` or `text`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines(PLAIN))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
