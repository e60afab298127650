"""What becomes of a job reaches the service, also when Orthanc forgets it at once."""

import threading
from collections.abc import Callable

from .conftest import Node, until
from .scripted_module import CHANGES, job_id
from .scripted_service import ScriptedService


def test_every_state_of_a_job_is_told(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSubmitted", 1)
    until(lambda: service.states(job), "the submitted job")
    node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job)[-1] == "Success", "the job's end")
    assert service.states(job)[0] == "Pending"


def test_a_job_is_told_as_orthanc_printed_it(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.set_job(1, "Success", Content={"Description": 'Zoë said "\\" \u2028 \x07'})
    node.orthanc.change(CHANGES.JOB_SUCCESS, job)
    until(lambda: service.states(job), "the job")
    (told,) = [told for told in service.jobs() if told["ID"] == job][:1]
    del told["Timestamp"]
    assert told == node.orthanc.jobs[job]


def test_an_evicted_job_is_told_by_its_event(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobFailure", 1, evicted=True)
    until(service.events, "the event")
    assert service.events() == [(job, "JobFailure")]
    assert service.states(job) == []


def test_the_last_known_text_goes_with_the_event(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()
    service.refuse(503)
    node.start()
    job = node.orthanc.happen("JobSubmitted", 1)
    until(lambda: node.orthanc.reads_of(job) == 1, "the job is read")
    node.orthanc.happen("JobSuccess", 1, evicted=True)
    until(lambda: node.orthanc.reads_of(job) == 2, "Orthanc has forgotten it")
    service.accept()
    until(service.events, "the event")
    assert (service.states(job), service.events()) == (["Pending"], [(job, "JobSuccess")])


def test_events_before_the_start_are_told_after_it(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()
    job = node.orthanc.happen("JobSuccess", 1, evicted=True)
    node.start()
    until(service.events, "the event")
    assert service.events() == [(job, "JobSuccess")]


def test_the_callback_only_notes(node: Node, service: ScriptedService) -> None:
    """It returns although Orthanc answers nothing."""
    until(service.complete, "a complete report")
    read, free = threading.Event(), threading.Event()

    def wait(path: str) -> None:
        read.set()
        assert free.wait(20)

    node.orthanc.http.before_read = wait
    node.orthanc.happen("JobSuccess", 1)
    assert read.wait(20)
    free.set()
    until(lambda: service.states(job_id(1)), "the job")


def test_other_changes_of_orthanc_are_passed_over(node: Node, service: ScriptedService) -> None:
    node.orthanc.change(CHANGES.NEW_STUDY, job_id(1))
    job = node.orthanc.happen("JobSuccess", 2)
    until(lambda: service.states(job), "the job")
    assert node.orthanc.reads_of(job_id(1)) == 0


def test_an_end_that_is_known_is_not_read_again(node: Node, service: ScriptedService) -> None:
    first = node.orthanc.set_job(1, "Success")
    node.orthanc.change(CHANGES.JOB_SUBMITTED, first)
    until(lambda: service.states(first), "its end, read at its submission")
    reads = node.orthanc.reads_of(first)
    node.orthanc.change(CHANGES.JOB_SUCCESS, first)
    second = node.orthanc.happen("JobSuccess", 2)
    until(lambda: service.states(second), "a later job")
    assert node.orthanc.reads_of(first) == reads


def test_an_event_overtakes_a_round(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()
    old = [node.orthanc.set_job(number, "Success") for number in range(150)]

    def interrupt(path: str) -> None:
        node.orthanc.asked.append(path)
        if path == f"/jobs/{old[20]}":
            node.orthanc.happen("JobSuccess", 999)

    node.orthanc.http.before_read = interrupt
    node.start()
    until(lambda: len(service.jobs()) >= 151, "all jobs")
    at = node.orthanc.asked.index(f"/jobs/{old[20]}")
    assert node.orthanc.asked[at + 1] == f"/jobs/{job_id(999)}"
