"""How Orthanc writes JSON and times: keys sorted, containers on lines of their own, floats with 17 digits."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

JSON_INDENT = "   "
ERROR_INDENT = "\t"


def render(value: object, indent: str = JSON_INDENT, depth: int = 0) -> str:
    """Write a value as the JSON library of Orthanc does; there is no line break at the end."""
    if isinstance(value, dict) and value:
        return _block("{}", (_member(key, value[key], indent, depth) for key in sorted(value)), indent, depth)
    if isinstance(value, list) and value:
        return _block("[]", (render(item, indent, depth + 1) for item in value), indent, depth)
    if isinstance(value, float):
        return _float(value)
    return json.dumps(value)


def timestamp(seconds: float) -> str:
    """Write a Unix time in UTC, without a zone; whole seconds have no fraction."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y%m%dT%H%M%S.%f" if moment.microsecond else "%Y%m%dT%H%M%S")


def _member(key: str, value: object, indent: str, depth: int) -> str:
    """A container that isn't empty begins below its key; the blank before that line break is Orthanc's."""
    text = render(value, indent, depth + 1)
    below = "\n" + indent * (depth + 1) if isinstance(value, dict | list) and value else ""
    return f"{json.dumps(key)} : {below}{text}"


def _block(brackets: str, lines: Iterable[str], indent: str, depth: int) -> str:
    inner = indent * (depth + 1)
    return f"{brackets[0]}\n{inner}" + f",\n{inner}".join(lines) + f"\n{indent * depth}{brackets[1]}"


def _float(value: float) -> str:
    text = f"{value:.17g}"
    return text if "." in text or "e" in text else f"{text}.0"
