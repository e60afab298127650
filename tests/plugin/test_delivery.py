"""What was read arrives, whatever stands between: refusals, silence, dead addresses, wrong clocks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobindex.demo.ports import free_port

from .conftest import Node, until
from .scripted_module import job_id
from .scripted_service import Reply, Report, ScriptedService


def test_refused_reports_are_kept_and_sent_again(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.refuse(503)
    jobs = [node.orthanc.happen("JobSuccess", number) for number in range(5)]
    until(lambda: len(service.seen) >= len(service.taken) + 3, "three tries")
    for job in jobs:
        del node.orthanc.jobs[job]
    service.accept()
    until(lambda: all(service.states(job) for job in jobs), "all that was read")


def test_what_was_not_answered_is_sent_again(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(intervals={"TIMEOUT": 0.2}).start()
    until(service.complete, "a complete report")
    service.hang()
    job = node.orthanc.happen("JobSuccess", 1)
    until(service.knocked.is_set, "a report that is not answered")
    until(lambda: node.logged("is not reached: timed out") == 1, "the time-out")
    service.free.set()
    until(lambda: service.states(job), "the job")


def test_a_long_absence_is_logged_once(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.refuse(500)
    until(lambda: len(service.seen) >= len(service.taken) + 10, "ten tries")
    service.accept()
    until(lambda: node.logged("reports are taken again"), "reports are taken")
    assert node.logged(f"{service.url} answers 500") == 1


def test_a_connection_closed_meanwhile_is_replaced(node: Node, service: ScriptedService) -> None:
    service.closing = True
    complete = len(service.complete())
    until(lambda: len(service.complete()) >= complete + 5, "five complete reports")
    assert node.logged("kept and sent later") == 0


def test_the_next_address_is_tried(make_node: Callable[..., Node], service: ScriptedService) -> None:
    make_node(Urls=[f"http://127.0.0.1:{free_port()}", service.url]).start()
    until(service.complete, "a complete report")


def test_a_replica_that_ends_is_left_for_the_next(
    make_node: Callable[..., Node], make_service: Callable[[], ScriptedService]
) -> None:
    first, second = make_service(), make_service()
    second.second = True
    node = make_node(first, second).start()
    until(first.complete, "a complete report to the first")
    first.refuse(500)
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: second.states(job), "the job at the second")


def test_a_redirect_is_not_followed(
    make_node: Callable[..., Node], make_service: Callable[[], ScriptedService]
) -> None:
    first, elsewhere = make_service(), make_service()
    first.location = elsewhere.url
    first.refuse(307)
    make_node(first).start()
    until(lambda: len(first.seen) >= 3, "three tries")
    assert elsewhere.seen == []


def test_the_service_s_clock_is_adopted(make_node: Callable[..., Node], service: ScriptedService) -> None:
    service.ahead_ms = 3_600_000
    node = make_node().start()
    until(service.complete, "a complete report")
    assert node.logged("signature is refused") == 0


def test_a_wrong_secret_is_logged_once(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(Secret="another secret").start()
    until(lambda: node.logged("our signature is refused"), "the complaint")
    assert service.seen == []
    assert node.logged("our signature is refused") == 1


def test_a_secret_that_changes_is_signed_with_from_then_on(
    make_node: Callable[..., Node], service: ScriptedService, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(service.secret)
    node = make_node(intervals={"SECRET_EVERY": 0.0}, SecretFile=str(file)).start()
    until(service.complete, "a complete report")
    service.secret = "another secret of it"
    file.write_text(f"{service.secret}\nan old one")
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")


def test_without_a_secret_reports_are_not_signed(make_node: Callable[..., Node], service: ScriptedService) -> None:
    service.secret = ""
    node = make_node(Secret="", Insecure=True).start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")
    assert node.logged("insecure") == 1


def test_what_was_taken_for_a_replay_is_signed_anew_and_sent_again(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.refuse(401, Message="a replay", Replayed=True)
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: len(service.seen) >= len(service.taken) + 3, "three tries")
    service.accept()
    until(lambda: service.states(job), "the job")
    assert node.logged("taken for a replay") == 1
    assert node.logged("signature is refused") == 0
    assert len(set(service.nonces)) == len(service.nonces)


def test_an_address_that_is_refused_is_said_to_be(node: Node, service: ScriptedService) -> None:
    service.refuse(403, Message="out of reach")
    until(lambda: node.logged("JOBINDEX_NODE_NETWORKS") == 1, "the complaint")


def test_too_large_reports_are_halved(make_node: Callable[..., Node], service: ScriptedService) -> None:
    service.largest = 5_000
    node = make_node()
    jobs = [node.orthanc.set_job(number, "Success", Content={"Pad": "x" * 500}) for number in range(60)]
    node.start()
    until(service.complete, "a complete report")
    assert {told["ID"] for told in service.jobs()} == set(jobs)
    service.largest = 4_000_000
    complete = len(service.complete())
    until(lambda: len(service.complete()) >= complete + 8, "eight reports that are taken")
    service.order(Everything=True)
    until(lambda: any(len(report["Jobs"]) > 15 for report in service.taken), "larger reports again")


def test_a_job_that_can_t_be_taken_is_left_out(make_node: Callable[..., Node], service: ScriptedService) -> None:
    bad = job_id(7)
    service.script = refuse_reports_with(bad)
    node = make_node(intervals={"EVERYTHING_EVERY": 0.3})
    jobs = {node.orthanc.set_job(number, "Success") for number in range(20)}
    node.start()
    until(service.complete, "a complete report")
    tries = sum(holds(report, bad) for report in service.seen)
    until(lambda: len(service.states(job_id(1))) >= 3, "two rounds that read everything")
    assert {told["ID"] for told in service.jobs()} == jobs - {bad}
    assert node.logged(f"job {bad} is refused") == 1
    assert sum(holds(report, bad) for report in service.seen) == tries


def test_large_jobs_are_spread_over_reports_of_4_mb(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()
    jobs = {node.orthanc.set_job(number, "Success", Content={"Pad": '"' * 500_000}) for number in range(12)}
    node.start()
    until(service.complete, "a complete report")
    assert {told["ID"] for told in service.jobs()} == jobs


def holds(report: dict[str, Any], job: str) -> bool:
    return any(job in text for text in report["Jobs"])


def refuse_reports_with(job: str) -> Callable[[Report], Reply | None]:
    return lambda report: (400, {"Message": "jobs.0: no job"}) if holds(report, job) else None
