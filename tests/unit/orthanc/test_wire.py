"""The forms are Orthanc's own, and nothing but ids and keys gets into a path."""

import json

import pytest

from jobindex.model.job import ACTIONS
from jobindex.orthanc.wire import (
    MESSAGES,
    Answer,
    action_path,
    comes_from_orthanc,
    error_body,
    job_path,
    output_path,
)

from ..words import job_id

ID = job_id(0xABC)
ALMOST = [ID[:-1], ID + "0", ID.upper(), ID[:-1] + "/", ID[:-1] + "\n", "é" * 36, " " * 36]
FOREIGN_IDS = ["", ".", "..", "%2e%2e", *ALMOST]
FOREIGN_KEYS = ["", ".", "..", "a/b", "a%2fb", "a b", "a.zip", "x" * 65, "é", "a\n", "a?b", "a#b"]


def test_an_error_is_printed_as_release_1_12_7_prints_it() -> None:
    path = f"/jobs/{ID}/archive"
    assert error_body(404, 7, "Job has no such output: archive", "GET", path).decode() == (
        "{\n"
        '\t"Details" : "Job has no such output: archive",\n'
        '\t"HttpError" : "Not Found",\n'
        '\t"HttpStatus" : 404,\n'
        '\t"Message" : "Accessing an inexistent item",\n'
        '\t"Method" : "GET",\n'
        '\t"OrthancError" : "Accessing an inexistent item",\n'
        '\t"OrthancStatus" : 7,\n'
        f'\t"Uri" : "{path}"\n'
        "}\n"
    )


def test_an_error_without_details_has_no_such_member() -> None:
    assert "Details" not in json.loads(error_body(404, 17, "", "GET", "/"))


def test_what_a_caller_wrote_can_not_break_out_of_the_json() -> None:
    hostile = '"}\n<script>\x00\x1b[31m\u2028'
    assert json.loads(error_body(400, 3, hostile, "GET", hostile))["Uri"] == hostile


def test_further_members_stand_in_order() -> None:
    body = error_body(504, 16, "", "POST", "/", OutcomeUnknown=True)
    assert list(json.loads(body)) == sorted(json.loads(body))


@pytest.mark.parametrize("code", MESSAGES)
def test_every_code_has_words(code: int) -> None:
    assert json.loads(error_body(500, code, "", "GET", "/"))["Message"]


@pytest.mark.parametrize("foreign", FOREIGN_IDS)
def test_no_path_is_made_of_anything_but_an_id(foreign: str) -> None:
    for path in (lambda: job_path(foreign), lambda: action_path(foreign, "cancel"), lambda: output_path(foreign, "a")):
        with pytest.raises(ValueError, match="not the id"):
            path()


@pytest.mark.parametrize("foreign", FOREIGN_KEYS)
def test_no_output_has_any_other_key(foreign: str) -> None:
    with pytest.raises(ValueError, match="not the key"):
        output_path(ID, foreign)


@pytest.mark.parametrize("foreign", ["", "stop", "Cancel", "../reset"])
def test_there_are_four_actions(foreign: str) -> None:
    with pytest.raises(ValueError, match="not an action"):
        action_path(ID, foreign)


def test_paths_are_orthancs() -> None:
    assert job_path(ID) == f"/jobs/{ID}"
    assert output_path(ID, "archive") == f"/jobs/{ID}/archive"
    assert {action_path(ID, action) for action in ACTIONS} == {
        f"/jobs/{ID}/{action}" for action in ("cancel", "pause", "resume", "resubmit")
    }


@pytest.mark.parametrize(
    ("answer", "is_orthanc"),
    [
        (Answer(200, {}, b'{"ApiVersion" : 17}'), True),
        (Answer(401, {"WWW-Authenticate": 'Basic realm="Orthanc Secure Area"'}), True),
        (Answer(403, {}), True),
        (Answer(200, {}, b"<html>It works!</html>"), False),
        (Answer(200, {}, b""), False),
        (Answer(401, {"WWW-Authenticate": 'Basic realm="router"'}), False),
        (Answer(401, {}), False),
        (Answer(404, {}), False),
        (Answer(302, {}), False),
        (Answer(500, {}, b'{"ApiVersion" : 17}'), False),
    ],
)
def test_who_answers_is_told_by_how(answer: Answer, is_orthanc: bool) -> None:
    assert comes_from_orthanc(answer) is is_orthanc


@pytest.mark.parametrize(("status", "refuses"), [(200, False), (401, True), (403, True), (404, False), (500, False)])
def test_only_401_and_403_are_refusals(status: int, refuses: bool) -> None:
    assert Answer(status, {}).refuses is refuses
