"""Whether a job speaks of a study, by its Orthanc id or its StudyInstanceUID."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from jobindex.errors import BadArgument

_STUDY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}|[0-9]+(\.[0-9]+)+")
LONGEST = 64
"""Characters of a UID."""


class Mention:
    """BadArgument where `name` is neither kind of id."""

    def __init__(self, name: str) -> None:
        if len(name) > LONGEST or not _STUDY.fullmatch(name):
            raise BadArgument("A study is named by its Orthanc id or its StudyInstanceUID")
        self._bytes = name.encode()
        self._whole = re.compile(rf"(?<![0-9A-Za-z.-]){re.escape(name)}(?![0-9A-Za-z-]|\.[0-9])")

    def stands_in(self, text: bytes) -> bool:
        """Whether a name or a value in this JSON names it, and not one that only begins or ends alike."""
        return self._bytes in text and any(self._whole.search(each) for each in _strings(orjson.loads(text)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _strings(each)
