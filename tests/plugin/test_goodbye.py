"""The goodbye: said if it can be, but Orthanc's stop is never held up for more than a second."""

import threading
import time
from collections.abc import Callable

import pytest

from jobindex.demo.ports import free_port

from .conftest import Node, until
from .scripted_service import ScriptedService

PROMISE = 1.0  # seconds


def stop_in_time(node: Node) -> None:
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < PROMISE


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("jobs ")]


def test_goodbye_is_said_last(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    stop_in_time(node)
    assert [bool(report.get("Goodbye")) for report in service.taken][-2:] == [False, True]
    assert threads() == []


def test_what_is_left_goes_along(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(intervals={"SHORTEST_PAUSE": 30, "LONGEST_PAUSE": 30}).start()
    until(service.complete, "a complete report")
    service.refuse(503)
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.has_seen(job), "a refused report")
    service.accept()
    stop_in_time(node)
    assert service.states(job) == ["Success"]


@pytest.mark.parametrize("status", [400, 413, 500])
def test_in_use_the_goodbye_is_heard_whatever_is_refused(
    make_node: Callable[..., Node], service: ScriptedService, status: int
) -> None:
    node = make_node(intervals={"SHORTEST_PAUSE": 30, "LONGEST_PAUSE": 30}).start()
    until(service.complete, "a complete report")
    service.refuse(503)
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.has_seen(job), "a report that is kept")
    service.script = lambda report: (status, {}) if report["Jobs"] else None
    stop_in_time(node)
    assert service.taken[-1].get("Goodbye") is True


def test_a_service_that_hangs_does_not_hold_orthanc_up(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.hang()
    until(service.knocked.is_set, "a report that is not answered")
    stop_in_time(node)
    assert set(threads()) <= {"jobs goodbye"}
    until(lambda: threads() == [], "the threads have ended", seconds=2)


def test_the_goodbye_finds_its_way_past_a_hanging_replica(
    make_node: Callable[..., Node], make_service: Callable[[], ScriptedService]
) -> None:
    first, second = make_service(), make_service()
    second.second = True
    node = make_node(first, second).start()
    until(first.complete, "a complete report")
    first.hang()
    stop_in_time(node)
    assert [report["Goodbye"] for report in second.taken] == [True]


def test_a_node_that_never_registered_says_nothing(make_node: Callable[..., Node], service: ScriptedService) -> None:
    service.refuse(503)
    node = make_node().start()
    until(lambda: service.seen, "a try")
    stop_in_time(node)
    assert not any("Goodbye" in report for report in service.seen)


def test_a_dead_address_does_not_hold_orthanc_up(make_node: Callable[..., Node]) -> None:
    node = make_node(Urls=[f"http://127.0.0.1:{free_port()}"]).start()
    until(lambda: node.logged("Connection refused"), "a try")
    stop_in_time(node)
    assert threads() == []


def test_a_stop_without_a_start_is_fine(make_node: Callable[..., Node]) -> None:
    stop_in_time(make_node())


def test_the_next_start_is_another_incarnation(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node().start()
    until(service.registrations, "the registration")
    node.stop()
    make_node().start()
    until(lambda: len(service.registrations()) == 2, "the second registration")
    first, second = service.registrations()
    assert first["Incarnation"] != second["Incarnation"]
