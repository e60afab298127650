"""What is left of a job where nothing may be kept that speaks of patients."""

import orjson

from jobindex.model.record import HISTORY, LOST
from jobindex.service.reduction import reduced

from ...builders import word

PATIENT = "PATIENT-CANARY"


def test_content_and_free_text_are_emptied() -> None:
    full = word(
        1, "Failure", mark=HISTORY, Content={"a": [PATIENT]}, ErrorDetails=PATIENT, UserData=[PATIENT], Type="x"
    )
    left = reduced(full)
    assert PATIENT.encode() not in left.text
    assert orjson.loads(left.text) == {
        **orjson.loads(full.text),
        "Content": {},
        "ErrorDetails": "",
        "UserData": [],
    }
    assert reduced(left) is left


def test_our_own_word_on_a_lost_job_stays() -> None:
    left = reduced(word(1, "Failure", mark=LOST, Content={"a": PATIENT}, ErrorDetails="Lost: its node is gone"))
    assert PATIENT.encode() not in left.text
    assert orjson.loads(left.text)["ErrorDetails"] == "Lost: its node is gone"
