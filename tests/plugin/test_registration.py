"""Registration: tried until it is acknowledged, before anything else, and again when the service asks for it."""

import json
from collections.abc import Callable

from .conftest import Node, until
from .scripted_service import Reply, Report, ScriptedService


def test_a_node_introduces_itself(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(NodeUrl="http://10.0.0.5:8042/").start()
    until(service.registrations, "the registration")
    (report,) = service.registrations()
    assert report["Register"] == {
        "Name": "left",
        "Url": "http://10.0.0.5:8042",
        "HttpPort": node.orthanc.http.port,
        "Tls": False,
        "RemoteAccess": False,
        "Version": "1.10.1",
        "Plugin": "1.0.0",
    }
    assert report["Clock"] == 0


def test_nothing_is_said_before_the_registration_is_acknowledged(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    service.refuse(503)
    node = make_node().start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: len(service.seen) >= 5, "five tries")
    assert all("Register" in report and not report["Jobs"] for report in service.seen)
    service.accept()
    until(lambda: service.states(job), "the job that was kept")
    assert "Register" in service.taken[0]


def test_a_complete_report_with_all_jobs_follows(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()
    jobs = [node.orthanc.set_job(number, "Success") for number in range(3)]
    node.start()
    until(service.complete, "a complete report")
    assert sorted(told["ID"] for told in service.jobs()) == jobs
    assert service.complete()[0]["Ids"] == jobs


def test_a_complete_report_follows_the_jobs_in_it(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()
    jobs = [node.orthanc.set_job(number, "Success") for number in range(450)]
    node.start()
    until(service.complete, "a complete report")
    last = service.taken.index(service.complete()[0])
    told = {job["ID"] for job in service.jobs()}
    assert told == set(jobs)
    assert last >= 3
    assert service.taken[last]["Ids"] == jobs
    assert not any("Ids" in report for report in service.taken[:last])


def test_an_unknown_node_registers_again_and_says_everything(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    """Also what a usual round would leave for the next one: the complete report must not lack anything."""
    node = make_node(intervals={"MOST_REREAD": 1}).start()
    jobs = {node.orthanc.happen("JobSuccess", number) for number in range(5)}
    until(lambda: all(service.states(job) for job in jobs) and service.complete(), "the first jobs")
    service.script = forget_until_registered()
    before, complete = len(service.taken), len(service.complete())
    until(lambda: len(service.complete()) > complete, "a complete report")
    until_complete = service.taken[before : service.taken.index(service.complete()[complete]) + 1]
    assert "Register" in until_complete[0]
    assert {json.loads(text)["ID"] for report in until_complete for text in report["Jobs"]} == jobs


def test_what_was_refused_as_unknown_is_kept(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.script = forget_until_registered()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: node.orthanc.reads_of(job), "the job is read")
    del node.orthanc.jobs[job]
    until(lambda: len(service.registrations()) == 2, "a second registration")
    until(lambda: service.states(job), "the job")


def test_a_registration_asked_for_with_thanks_is_made(node: Node, service: ScriptedService) -> None:
    service.order(Register=True)
    until(lambda: len(service.registrations()) == 2, "a second registration")


def test_a_node_whose_id_is_taken_says_so_once(make_node: Callable[..., Node], service: ScriptedService) -> None:
    service.refuse(409, Register=False, Message="another living incarnation")
    node = make_node(NodeId="twin").start()
    until(lambda: len(service.seen) >= 5, "five tries")
    service.accept()
    until(service.complete, "a complete report")
    assert node.logged("another living Orthanc reports as node twin") == 1


def forget_until_registered() -> Callable[[Report], Reply | None]:
    """A service whose index was emptied."""
    known: list[str] = []

    def answer(report: Report) -> Reply | None:
        if "Register" in report:
            known.append(report["Incarnation"])
        return None if known else (409, {"Register": True, "Message": "unknown"})

    return answer
