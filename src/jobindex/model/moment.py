"""Orthanc's time form: UTC, no zone, `YYYYMMDDTHHMMSS`, then `.ffffff` unless the fraction is zero.

Two moments in this form compare like the texts they are.
"""

import re
from datetime import UTC, datetime

_FORM = re.compile(r"[0-9]{8}T[0-9]{6}(\.[0-9]{1,6})?")
_SECONDS = "%Y%m%dT%H%M%S"
_BEGINNING = datetime(1970, 1, 1)


def moment(seconds: float) -> str:
    """The form of `seconds` since 1970."""
    when = datetime.fromtimestamp(seconds, UTC)
    return when.strftime(_SECONDS + (".%f" if when.microsecond else ""))


def seconds_of(text: str) -> float:
    """Seconds since 1970; ValueError if `text` is not in Orthanc's form."""
    if not _FORM.fullmatch(text):
        raise ValueError("a moment is YYYYMMDDTHHMMSS or YYYYMMDDTHHMMSS.ffffff")
    try:
        return (datetime.fromisoformat(text) - _BEGINNING).total_seconds()
    except ValueError:
        raise ValueError("a moment that no calendar has") from None


def is_moment(text: object) -> bool:
    """Whether `text` is a text in Orthanc's form, of a time that there is."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
