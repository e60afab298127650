"""Orthanc's time form: UTC, no zone, `YYYYMMDDTHHMMSS`, then `.ffffff` unless the fraction is zero.

Two moments in this form compare like the texts they are.
"""

from datetime import UTC, datetime

_SECONDS = "%Y%m%dT%H%M%S"


def moment(seconds: float) -> str:
    """The form of `seconds` since 1970."""
    when = datetime.fromtimestamp(seconds, UTC)
    return when.strftime(_SECONDS + (".%f" if when.microsecond else ""))


def seconds_of(text: str) -> float:
    """Seconds since 1970; ValueError if `text` is not in Orthanc's form."""
    form = _SECONDS + (".%f" if "." in text else "")
    return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
