"""What becomes of a job reaches the service, also when Orthanc forgets it at once."""

from .conftest import Node, until
from .scripted_service import ScriptedService


def test_every_state_of_a_job_is_told(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSubmitted", 1)
    until(lambda: service.states(job), "the submitted job")
    node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job)[-1] == "Success", "the job's end")
    assert service.states(job)[0] == "Pending"
