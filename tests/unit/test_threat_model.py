"""The page of threats names tests, and each of them is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/threat-model.md"
NAMED = re.compile(r"`((?:unit|integration|fault|property|plugin|contract)/[\w/.]*)?(?:::(\w+))?`")


def named() -> Iterator[tuple[str, str]]:
    """Files and functions; a function alone is one of the file before it."""
    file = ""
    for place, function in NAMED.findall(PAGE.read_text()):
        file = place or file
        yield file, function


@pytest.mark.parametrize(("file", "function"), sorted(set(named())))
def test_each_test_that_is_named_is_there(file: str, function: str) -> None:
    place = TESTS / file
    assert place.is_dir() or place.is_file()
    assert not function or f"def {function}(" in place.read_text()


def test_every_threat_has_its_place() -> None:
    assert re.findall(r"^### (T\d+)\.", PAGE.read_text(), re.MULTILINE) == [f"T{number}" for number in range(1, 12)]
