"""Registration: tried until it is acknowledged, before anything else, and again when the service asks for it."""

from collections.abc import Callable

from .conftest import Node, until
from .scripted_service import Reply, Report, ScriptedService


def test_a_node_introduces_itself(make_node: Callable[..., Node], service: ScriptedService) -> None:
    make_node(NodeUrl="http://10.0.0.5:8042/").start()
    until(service.registrations, "the registration")
    (report,) = service.registrations()
    assert report["Register"] == {
        "Name": "left",
        "Url": "http://10.0.0.5:8042",
        "HttpPort": 8042,
        "Tls": False,
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


def test_an_unknown_node_registers_again_and_says_everything(node: Node, service: ScriptedService) -> None:
    old = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(old) and service.complete(), "a first job")
    service.script = forget_until_registered()
    before = len(service.taken)
    new = node.orthanc.happen("JobSuccess", 2)
    until(lambda: len(service.registrations()) == 2, "a second registration")
    until(lambda: any(report.get("Complete") for report in service.taken[before:]), "a complete report")
    assert {told["ID"] for told in service.jobs(before)} == {old, new}
    assert "Register" in service.taken[before]


def test_a_registration_asked_for_with_thanks_is_made(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    asked: list[Report] = []

    def ask_once(report: Report) -> Reply | None:
        asked.append(report)
        return (200, {"Register": True}) if len(asked) == 1 else None

    service.script = ask_once
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
