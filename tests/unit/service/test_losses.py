"""What can't be known any more becomes a failure that says so, unless there is newer word."""

from jobindex import metrics

from ...builders import job_id, known
from ..scripted_orthanc import ScriptedOrthanc
from ..words import job
from .services import Services


async def lose_unfinished(services: Services, why: str) -> int:
    """How many jobs of the node were lost."""
    return await services.losses.conclude((await services.losses.unfinished({"a"}))["a"], why)


async def test_a_lost_job_says_what_was_last_seen_and_why(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1, Progress=42), at=orthanc)
    last = services.view.jobs[job_id(1)].record.stamp
    assert await lose_unfinished(services, "its node burnt down") == 1
    await services.show()
    shown = services.shown()
    assert (shown["State"], shown["ErrorCode"], shown["ErrorDescription"]) == ("Failure", -1, "Internal error")
    assert shown["ErrorDetails"] == f"Lost: its node burnt down; last seen {last}, given up {shown['CompletionTime']}"
    assert (shown["Progress"], shown["Type"]) == (42, "ResourceModification")


async def test_only_the_unfinished_are_lost_and_they_are_counted(services: Services, orthanc: ScriptedOrthanc) -> None:
    before = metrics.registry.get_sample_value("jobindex_jobs_lost_total") or 0
    await services.say("a", job(1, "Success"), job(2, "Failure"), job(3, "Paused"), job(4, "Retry"), at=orthanc)
    assert await lose_unfinished(services, "gone") == 2
    await services.show()
    assert [services.state(number) for number in (1, 2, 3, 4)] == ["Success", "Failure", "Failure", "Failure"]
    assert metrics.registry.get_sample_value("jobindex_jobs_lost_total") == before + 2


async def test_a_job_of_which_there_is_newer_word_is_left_alone(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    line = (await known(services.store)).record.line
    await services.say("a", job(1, "Success", at=1))
    assert await services.losses.conclude([(job_id(1), line)], "a hasty judgement") == 0
    assert services.state() == "Success"
