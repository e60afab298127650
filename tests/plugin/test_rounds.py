"""Rounds: what causes no event is noticed all the same, and no more is said than is new."""

import json
from collections.abc import Callable

import pytest

from .conftest import Node, until
from .scripted_module import job_id
from .scripted_service import Reply, Report, ScriptedService


def after_rounds(service: ScriptedService, count: int) -> list[Report]:
    """The reports from now until so many more complete ones."""
    start, complete = len(service.taken), len(service.complete())
    until(lambda: len(service.complete()) >= complete + count, f"{count} more complete reports")
    return service.taken[start:]


def settled(node: Node, service: ScriptedService, *jobs: str) -> None:
    """Wait until the service knows these jobs as they are, and a round has passed since."""
    until(lambda: all(service.states(job)[-1:] == [node.orthanc.jobs[job]["State"]] for job in jobs), "the jobs")
    after_rounds(service, 1)


def test_an_idle_node_says_its_ids_only(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSuccess", 1)
    settled(node, service, job)
    reads = node.orthanc.reads_of(job)
    for report in after_rounds(service, 3):
        assert (report["Ids"], report["Complete"], report["Jobs"]) == ([job], True, [])
    assert node.orthanc.reads_of(job) == reads


@pytest.mark.parametrize("progress", [1, 60])
def test_progress_is_told(node: Node, service: ScriptedService, progress: int) -> None:
    job = node.orthanc.happen("JobSubmitted", 1)
    until(lambda: service.states(job), "the submitted job")
    node.orthanc.set_job(1, "Running", Progress=progress)
    until(lambda: service.jobs()[-1]["Progress"] == progress, f"{progress} %")


def test_a_job_that_waits_is_read_but_not_told_again(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSubmitted", 1)
    settled(node, service, job)
    reads = node.orthanc.reads_of(job)
    assert not any(report["Jobs"] for report in after_rounds(service, 3))
    assert node.orthanc.reads_of(job) > reads


def test_a_cancelled_waiting_job_is_noticed(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSubmitted", 1)
    settled(node, service, job)
    node.orthanc.set_job(1, "Failure", ErrorCode=37)
    until(lambda: service.states(job)[-1] == "Failure", "the end of the job")


def test_a_resubmitted_job_is_noticed(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobFailure", 1)
    settled(node, service, job)
    node.orthanc.set_job(1, "Pending")
    until(lambda: service.states(job)[-1] == "Pending", "the job waits again")


def test_everything_is_said_when_asked_for(node: Node, service: ScriptedService) -> None:
    jobs = [node.orthanc.happen("JobSuccess", number) for number in (1, 2)]
    settled(node, service, *jobs)
    before = len(service.taken)
    service.order(Everything=True)
    until(lambda: {told["ID"] for told in service.jobs(before)} == set(jobs), "both jobs again")
    after_rounds(service, 1)
    assert not any(report["Jobs"] for report in after_rounds(service, 3))


def test_everything_is_said_from_time_to_time(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(intervals={"EVERYTHING_EVERY": 0.5}).start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: len(service.states(job)) >= 3, "the job again and again")


def test_what_the_service_wants_is_sent(node: Node, service: ScriptedService) -> None:
    jobs = [node.orthanc.happen("JobSuccess", number) for number in (1, 2)]
    settled(node, service, *jobs)
    before = len(service.taken)
    service.order(Wanted=[jobs[1]])
    until(lambda: service.jobs(before), "the wanted job")
    assert [told["ID"] for told in service.jobs(before)] == [jobs[1]]


def test_nothing_but_jobs_can_be_wanted(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSuccess", 1)
    settled(node, service, job)
    service.order(Wanted=["../system", "x/../../patients", job])
    until(lambda: len(service.states(job)) == 2, "the wanted job")
    assert {path for path in node.orthanc.asked if ".." in path} == set()


def refuse(job: str, *, wanting: bool = False) -> Callable[[Report], Reply | None]:
    """A service that refuses one job, and asks for it in every complete report that doesn't bring it."""

    def answer(report: Report) -> Reply | None:
        brought = any(job in text for text in report["Jobs"])
        wants = wanting and report.get("Complete") and not brought
        return 200, {"Refused": [job] if brought else [], "Wanted": [job] if wants else []}

    return answer


@pytest.mark.parametrize("wanting", [False, True])
@pytest.mark.parametrize("kind", ["JobSuccess", "JobSubmitted"])
def test_in_use_a_refused_job_is_posted_once(
    make_node: Callable[..., Node], service: ScriptedService, kind: str, wanting: bool
) -> None:
    """Also where the service asks for it at once, and while it goes on; its next state is told."""
    node = make_node(intervals={"EVERYTHING_EVERY": 0.3}).start()
    until(service.complete, "a complete report")
    service.script = refuse(job_id(1), wanting=wanting)
    job = node.orthanc.happen(kind, 1)
    until(lambda: service.states(job), "the job")
    for progress in range(6):
        node.orthanc.jobs[job]["Progress"] = progress
        after_rounds(service, 3)
    assert len(service.states(job)) == 1
    node.orthanc.set_job(1, "Paused")
    until(lambda: "Paused" in service.states(job), "another state")


def test_a_refused_job_that_is_wanted_later_is_told(node: Node, service: ScriptedService) -> None:
    """As one whose owner of before was given up since."""
    until(service.complete, "a complete report")
    service.script = refuse(job_id(1))
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")
    after_rounds(service, 3)
    service.order(Wanted=[job])
    until(lambda: len(service.states(job)) == 2, "the job again")
    assert not any(report["Jobs"] for report in after_rounds(service, 3)[1:])


def test_a_refused_job_is_told_where_everything_is_asked_for(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.script = refuse(job_id(1))
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")
    service.order(Everything=True)
    until(lambda: len(service.states(job)) == 2, "the job again")


def test_jobs_that_run_are_read_before_others(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(intervals={"MOST_REREAD": 3}).start()
    for number in range(20):
        node.orthanc.happen("JobSubmitted", number)
    running = node.orthanc.set_job(19, "Running")
    until(lambda: "Running" in service.states(running), "the running job")
    reads = node.orthanc.reads_of(running)
    told = after_rounds(service, 4)
    assert node.orthanc.reads_of(running) >= reads + 3
    assert len(told) >= 4


def test_taken_is_earlier_than_what_was_read(node: Node, service: ScriptedService) -> None:
    node.orthanc.happen("JobSubmitted", 1)
    node.orthanc.set_job(1, "Running", Progress=1)
    until(lambda: "Running" in service.states(job_id(1)), "the running job")
    after_rounds(service, 2)
    for report in service.taken:
        assert all(report["Taken"] <= json.loads(text)["Timestamp"] for text in report["Jobs"])


def test_no_round_is_made_while_the_service_is_away(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.refuse(503)
    until(lambda: len(service.seen) >= len(service.taken) + 3, "three tries")
    rounds = node.orthanc.asked.count("/jobs")
    tries = len(service.seen)
    until(lambda: len(service.seen) >= tries + 10, "ten more tries")
    assert node.orthanc.asked.count("/jobs") <= rounds + 1
