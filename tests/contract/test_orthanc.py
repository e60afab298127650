"""The contract with Orthanc: the real one keeps it, and the simulator answers as the real one of each release did."""

from collections.abc import Mapping

import pytest

from . import records
from .exchanges import SCRIPT
from .neutral import Answer

NAMES = [exchange.name for exchange in SCRIPT]

Answers = Mapping[str, Answer]


def test_every_exchange_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_releases_the_whole_script_is_recorded_of_each(recorded: Answers) -> None:
    assert list(recorded) == NAMES


@pytest.mark.parametrize(
    ("asked", "taken"),
    [("1.9.0", "1.10.1"), ("1.10.1", "1.10.1"), ("1.12.10", "1.12.7"), ("1.13.0", "1.13.0"), ("2.0.0", "1.13.0")],
)
def test_releases_another_one_is_held_to_the_nearest(asked: str, taken: str) -> None:
    assert records.nearest(asked) == taken


@pytest.mark.parametrize("name", NAMES)
def test_releases_the_simulator_answers_as_each_real_one_did(simulated: Answers, recorded: Answers, name: str) -> None:
    assert simulated[name] == recorded[name]


@pytest.mark.parametrize("name", NAMES)
def test_releases_the_installed_one_answers_as_recorded(real: tuple[str, Answers], name: str) -> None:
    release, answers = real
    assert answers[name] == records.read(records.nearest(release))[name]
