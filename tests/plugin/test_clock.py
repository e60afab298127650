"""The clock epoch: it counts how often the wall clock was set, whichever way."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule, job_id
from .scripted_service import ScriptedService


class Hands:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_by(self, steady: float, wall: float) -> None:
        self.steady += steady
        self.wall += wall


@pytest.fixture
def plugin() -> Any:
    return load_plugin(ScriptedModule({}))


@pytest.mark.parametrize("step", [-3600.0, -1.5, 1.5, 3600.0])
def test_a_jump_begins_a_new_epoch(plugin: Any, step: float) -> None:
    hands = Hands()
    clock = plugin.Clock(lambda: hands.wall, lambda: hands.steady)
    hands.pass_by(10, 10 + step)
    assert clock.read() == (1_000_010 + step, 1)
    hands.pass_by(10, 10)
    assert clock.read()[1] == 1
    hands.pass_by(10, 10 - step)
    assert clock.read()[1] == 2


def test_a_clock_that_drifts_stays_in_its_epoch(plugin: Any) -> None:
    hands = Hands()
    clock = plugin.Clock(lambda: hands.wall, lambda: hands.steady)
    for _ in range(100):
        hands.pass_by(5, 5.1)
        assert clock.read()[1] == 0


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "19700101T000000.000000"), (1_795_318_512.123456, "20261122T033512.123456")],
)
def test_moments_have_orthanc_s_form(plugin: Any, seconds: float, told: str) -> None:
    assert plugin.moment(seconds) == told


def test_a_job_is_told_in_the_epoch_of_its_stamp(make_node: Callable[..., Node], service: ScriptedService) -> None:
    """What was read before the jump goes in a report of its own; what is read during it is read again."""
    node, hands = make_node(), Hands()
    clock = node.plugin.Clock(lambda: hands.wall, lambda: hands.steady)
    node.plugin.Clock = lambda: clock
    service.refuse(503)
    node.start()
    before = node.orthanc.happen("JobSuccess", 1)
    until(lambda: node.orthanc.reads_of(before), "the first job is read")

    def jump_once(path: str) -> None:
        node.orthanc.asked.append(path)
        if path == f"/jobs/{job_id(2)}" and node.orthanc.reads_of(job_id(2)) == 1:
            hands.wall += 3600

    node.orthanc.http.before_read = jump_once
    after = node.orthanc.happen("JobSuccess", 2)
    until(lambda: node.orthanc.reads_of(after) == 2, "the second job is read again")
    service.accept()
    until(service.complete, "a complete report")
    told = [(report["Clock"], text) for report in service.taken for text in report["Jobs"]]
    assert {clock for clock, text in told if after in text} == {1}
    assert next(clock for clock, text in told if before in text) == 0
