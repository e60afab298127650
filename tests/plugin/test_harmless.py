"""Whatever fails within the plugin, Orthanc notices nothing of it and the plugin goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Node, until
from .scripted_module import CHANGES, job_id
from .scripted_service import ScriptedService


def test_a_callback_never_raises(node: Node) -> None:
    node.orthanc.change(CHANGES.JOB_SUCCESS, None)  # type: ignore[arg-type]  # what Orthanc never does
    node.orthanc.change(-1, "")


def test_a_start_that_fails_is_logged(make_node: Callable[..., Node]) -> None:
    node = make_node()
    vars(node.orthanc).update(GetConfiguration=lambda: "no JSON")
    node.start()
    assert node.logged("nothing is reported") == 1


@pytest.mark.parametrize("answer", [b"", b"null", b"[]", b"{}", b"\xff"])
def test_strange_answers_of_orthanc_are_survived(node: Node, service: ScriptedService, answer: bytes) -> None:
    until(service.complete, "a complete report")
    strange = f"/jobs/{job_id(1)}"
    node.orthanc.http.answers[strange] = (200, answer)
    node.orthanc.happen("JobSuccess", 1)
    until(lambda: strange in node.orthanc.asked, "the strange answer")
    job = node.orthanc.happen("JobSuccess", 2)
    until(lambda: service.states(job), "a later job")


@pytest.mark.parametrize("said", [{"Wanted": 5}, {"Refused": "x"}, {"Wanted": [None]}, {"Everything": "yes"}])
def test_strange_answers_of_the_service_are_survived(
    node: Node, service: ScriptedService, said: dict[str, Any]
) -> None:
    until(service.complete, "a complete report")
    service.script = lambda report: (200, said)
    first = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(first), "a job")
    service.accept()
    second = node.orthanc.happen("JobSuccess", 2)
    until(lambda: service.states(second), "a later job")


def test_no_log_is_no_trouble(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node()

    def fail(message: str) -> None:
        raise RuntimeError(message)

    vars(node.orthanc).update(LogWarning=fail, LogError=fail, LogInfo=fail)
    node.start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")


def test_the_log_never_says_what_a_job_does(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    service.refuse(400, Message="jobs.0: canary")
    job = node.orthanc.set_job(1, "Success", Content={"PatientName": "canary"})
    node.orthanc.change(CHANGES.JOB_SUCCESS, job)
    until(lambda: node.logged(job), "the refusal in the log")
    assert node.logged("canary") == 0
