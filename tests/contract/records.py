"""Recorded answers: what the real Orthanc of each release said to the whole script.

Law: they are what a real one said; nobody writes them by hand.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .neutral import Answer

FOLDER = Path(__file__).parent / "recorded"

Release = tuple[int, ...]


def releases() -> list[str]:
    """The oldest first."""
    return sorted((file.stem for file in FOLDER.glob("*.json")), key=in_numbers)


def in_numbers(release: str) -> Release:
    return tuple(int(part) for part in release.split("."))


def nearest(release: str) -> str:
    """The recorded release that this one is to answer like: the newest that is not newer."""
    older = [each for each in releases() if in_numbers(each) <= in_numbers(release)]
    return (older or releases())[-1 if older else 0]


def read(release: str) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for name, entry in json.loads((FOLDER / f"{release}.json").read_text()).items():
        found[name] = found[entry["as"]] if "as" in entry else _answer(entry)
    return found


def write(release: str, answers: Mapping[str, Answer]) -> Path:
    first: dict[str, str] = {}
    entries = {}
    for name, answer in answers.items():
        text = json.dumps(_entry(answer))
        entries[name] = {"as": first[text]} if text in first else _entry(answer)
        first.setdefault(text, name)
    file = FOLDER / f"{release}.json"
    file.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return file


def _entry(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "headers": dict(sorted(answer.headers.items())), "body": answer.body.split("\n")}


def _answer(entry: dict[str, Any]) -> Answer:
    return Answer(entry["status"], entry["headers"], "\n".join(entry["body"]))
