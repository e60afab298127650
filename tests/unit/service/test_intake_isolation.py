"""One job's fault touches neither the other jobs of a report, nor the report, nor its node."""

import json

import orjson
import pytest

from jobindex.logs import Lines
from jobindex.model.report import read_report
from jobindex.service import keeping

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..words import complete, job, report, told
from .services import Services

BULK = [{"ID": "x" * 44, "Path": "/instances/" + "y" * 44, "Type": "Instance"}] * 9000


@pytest.mark.parametrize(
    "faulty",
    [
        pytest.param(job(2, State=7), id="state"),
        pytest.param(job(2, Progress=200), id="progress"),
        pytest.param(b"{}", id="empty"),
        pytest.param(b"no JSON", id="text"),
    ],
)
async def test_true_state_a_job_that_is_none_does_not_touch_the_others_of_its_report(
    services: Services, orthanc: ScriptedOrthanc, faulty: bytes
) -> None:
    answer = await services.say("a", job(1), faulty, job(3, "Success"), at=orthanc)
    assert answer.everything
    assert (services.state(1), services.state(3)) == ("Running", "Success")
    assert services.state(2) == ""


ONCE = {"CompletionTime": "20260101T000000.000001"}
DOTTED = {"1.2.3": "x", "1.2.3.4": "y"}


async def test_true_state_names_with_dots_do_not_touch_the_others_of_a_report(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1, "Success", Content=DOTTED, **ONCE), at=orthanc)
    await services.say("a", job(2), job(1, "Success", at=1, Content={"1.2.3": "x"}, **ONCE))
    assert services.state(2) == "Running"
    assert services.shown(1)["Content"] == DOTTED


async def test_true_state_a_job_that_can_not_be_completed_is_taken_as_it_is(
    services: Services, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("Doe^John")

    monkeypatch.setattr(keeping, "with_kept", fails)
    await services.say("a", job(1, "Success", Content={"A": 1, "B": 2}, **ONCE), at=orthanc)
    for at in (1, 2):
        await services.say("a", job(1 + at), job(1, "Success", at=at, Content={"A": 1}, **ONCE))
    assert (services.state(2), services.state(3)) == ("Running", "Running")
    assert services.shown(1)["Content"] == {"A": 1}
    told = [each for each in caplog.records if "can't be completed" in each.getMessage()]
    assert [each.levelname for each in told] == ["ERROR"]
    assert "Doe" not in told[0].getMessage() + Lines().formatException(told[0].exc_info)


async def test_true_state_a_large_job_is_cut_and_its_end_is_told(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(2), at=orthanc)
    await services.say("a", job(2, "Success", at=1, Content={"Description": "x", "Resources": BULK}), job(3))
    assert (services.state(2), services.state(3)) == ("Success", "Running")
    shown = services.shown(2)
    assert shown["Content"] == {"Description": "x"}
    assert shown["JobIndex"]["Cut"] == ["Content.Resources"]  # type: ignore[index]


async def test_true_state_what_the_plugin_cut_is_named_as_long_as_it_is_cut(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    cut = {job_id(1): ["Content.Resources", "Content.Details"]}
    await services.intake.take("a", report(job(1), Cut=cut, Url=orthanc.url), "127.0.0.1")
    await services.show()
    assert services.shown(1)["JobIndex"]["Cut"] == ["Content.Details", "Content.Resources"]  # type: ignore[index]
    await services.say("a", job(1, "Success", at=1))
    assert "Cut" not in services.shown(1)["JobIndex"]  # type: ignore[operator]


async def test_true_state_whoever_reads_the_index_anew_knows_what_was_cut(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    cut = {job_id(1): ["Content.a b,c=d", "UserData"]}
    await services.intake.take("a", report(job(1), Cut=cut, Url=orthanc.url), "127.0.0.1")
    found = await services.store.jobs.fetch([job_id(1)])
    services.view.put(found[job_id(1)])
    assert services.shown(1)["JobIndex"]["Cut"] == ["Content.a b,c=d", "UserData"]  # type: ignore[index]


async def test_true_state_a_node_that_registers_is_told_how_much_of_a_job_is_kept(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    first = await services.say("a", at=orthanc)
    second = await services.say("a", job(1))
    assert orjson.loads(first.model_dump_json(by_alias=True, exclude_none=True))["MaxJobBytes"] == 1_000_000
    assert "MaxJobBytes" not in orjson.loads(second.model_dump_json(by_alias=True, exclude_none=True))


async def test_true_state_a_job_that_is_none_is_not_asked_for_again_and_again(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), at=orthanc)
    assert (await services.say_all("a", job(1), ids=(2,))).wanted == (job_id(2),)
    await services.say("a", job(2, State=7))
    assert (await services.say_all("a", job(1), ids=(2,))).wanted == ()


def test_true_state_a_report_with_half_a_character_in_a_job_is_read() -> None:
    body = json.dumps(told(job(1), job(2))).replace("ResourceModification", "\\ud800", 1)
    assert len(read_report(body.encode()).jobs) == 2


def test_true_state_a_report_with_what_is_no_text_in_a_job_is_read() -> None:
    body = json.dumps(told(job(1), job(2))).encode().replace(b"ResourceModification", b"\xff\xfe", 1)
    assert len(read_report(body).jobs) == 2


async def test_true_state_a_job_that_is_none_does_not_keep_a_complete_report_from_being_one(
    services: Services, orthanc: ScriptedOrthanc
) -> None:
    await services.say("a", job(1), job(2), at=orthanc)
    spoiled = complete(job(2), ids=())
    spoiled = spoiled.model_copy(update={"jobs": (job(2, State=7).decode(),)})
    await services.intake.take("a", spoiled, "127.0.0.1")
    await services.show()
    assert services.view.nodes["a"].complete == services.view.head.epoch
    assert services.view.jobs[job_id(1)].record.mark == "missed"
    assert services.view.jobs[job_id(2)].record.mark == "held"
