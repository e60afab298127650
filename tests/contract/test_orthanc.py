"""The contract with Orthanc: the real one keeps it, and the simulator answers as the real one does."""

from collections.abc import Mapping

import pytest

from .exchanges import SCRIPT, Exchange
from .neutral import Answer

NAMES = [exchange.name for exchange in SCRIPT]


def test_every_exchange_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("exchange", SCRIPT, ids=NAMES)
def test_the_simulator_answers_the_status(simulated: Mapping[str, Answer], exchange: Exchange) -> None:
    assert simulated[exchange.name].status == exchange.status


@pytest.mark.parametrize("name", NAMES)
def test_the_simulator_answers_as_the_real_one(
    simulated: Mapping[str, Answer], real: Mapping[str, Answer], name: str
) -> None:
    assert simulated[name] == real[name]
