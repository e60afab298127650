"""Answers without what may differ from run to run: ids, times, sizes of archives, progress."""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

HEADERS = ("Allow", "Content-Disposition", "Content-Encoding", "Content-Type", "WWW-Authenticate")
"""The headers that clients depend on."""

MASKS = [
    (r'"\d{8}T\d{6}(\.\d{6})?"', '"<time>"'),
    (r'("EffectiveRuntime" ?: ?)\d+\.\d+(e-\d+)?', r"\1<seconds>"),
    (r'("(?:ArchiveSize|Size)" ?: ?)"[1-9]\d*"', r'\1"<bytes>"'),
    (r'("Progress" ?: ?)(?!0\b|100\b)\d+', r"\1<some>"),
    (r'\s*"EstimatedTimeOfArrival" ?: ?"<time>",', ""),
    (r"[0-9a-f]{8}(-[0-9a-f]{8}){4}", "<resource>"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<job>"),
]


@dataclass(frozen=True)
class Answer:
    """What came back, as the client saw it."""

    status: int
    headers: Mapping[str, str]
    body: str


def neutral(status: int, headers: Mapping[str, str], body: bytes, names: Mapping[str, str]) -> Answer:
    """Put names for what is known and masks for what can't be; an archive becomes the number of its files."""
    kept = {name: _named(headers[name], names) for name in HEADERS if name in headers}
    if headers.get("Content-Type") == "application/zip":
        return Answer(status, kept, _unpacked(body))
    return Answer(status, kept, _in_order(_masked(_named(body.decode(), names))))


def as_json(answer: Answer) -> Answer:
    """Give masks that stand without quotes some, so that the body can be read as JSON again."""
    return Answer(answer.status, answer.headers, re.sub(r"<(seconds|some)>", r'"<\1>"', answer.body))


def _named(text: str, names: Mapping[str, str]) -> str:
    for value, name in names.items():
        text = text.replace(value, f"<{name}>")
    return text


def _masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text


def _in_order(text: str) -> str:
    """Put a list that Orthanc printed in the order of its names: Orthanc's order is that of the random ids."""
    if not text.startswith("[\n"):
        return text
    elements = re.split(r",\n   (?! )", text[2:-2].removeprefix("   "))
    return "[\n   " + ",\n   ".join(sorted(elements)) + "\n]"


def _unpacked(body: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        broken = archive.testzip()
        return f"<archive of {len(archive.namelist())} files, broken: {broken}>"
