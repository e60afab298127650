"""A record of the trail: PS3.15's names, one line, and nothing in it that a caller could break out with."""

import json

import pytest

from jobindex.audit.events import EXPORT, NODE_NOT_PROVEN, STARTED, change, report_refused
from jobindex.audit.record import LONGEST_NAME, MINOR, SERIOUS, SUCCESS, Record, line, outcome_of

from ...builders import job_id

WHEN = 1_790_000_000.1234


def told(record: Record, **more: float) -> dict[str, object]:
    text = line(record, "host/1", WHEN, **more)  # type: ignore[arg-type]  # count and since
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_all_that_is_known_is_told_by_ps3_15_names() -> None:
    record = Record(
        EXPORT, "answered", "r1", user="demo", address="10.0.0.9", job=job_id(1), node="a", status=200, outcome=SUCCESS
    )
    assert told(record) == {
        "EventDateTime": "2026-09-21T14:13:20.123Z",
        "Phase": "answered",
        "RequestID": "r1",
        "EventID": {"csd-code": "110106", "codeSystemName": "DCM", "originalText": "Export"},
        "EventActionCode": "R",
        "EventOutcomeIndicator": 0,
        "Status": 200,
        "ActiveParticipant": [
            {
                "UserID": "demo",
                "UserIsRequestor": True,
                "NetworkAccessPointID": "10.0.0.9",
                "NetworkAccessPointTypeCode": "2",
            }
        ],
        "AuditSourceID": "host/1",
        "ParticipantObject": [
            {
                "ParticipantObjectID": job_id(1),
                "ParticipantObjectTypeCode": "2",
                "ParticipantObjectIDTypeCode": {
                    "csd-code": "job",
                    "codeSystemName": "99JOBINDEX",
                    "originalText": "Orthanc job",
                },
            },
            {
                "ParticipantObjectID": "a",
                "ParticipantObjectTypeCode": "2",
                "ParticipantObjectIDTypeCode": {
                    "csd-code": "110182",
                    "codeSystemName": "DCM",
                    "originalText": "Node ID",
                },
            },
        ],
    }


def test_what_is_asked_has_no_outcome_yet() -> None:
    found = told(Record(change("POST", "/jobs/{id}/cancel"), "asked", outcome=None))
    assert not {"EventOutcomeIndicator", "Status"} & found.keys()
    assert found["EventActionCode"] == "E"
    assert found["EventTypeCode"][0]["csd-code"] == "POST /jobs/{id}/cancel"  # type: ignore[index]


def test_what_happened_again_has_its_number_and_since_when() -> None:
    found = told(Record(STARTED), count=7, since=WHEN - 60)
    assert (found["Count"], found["Since"]) == (7, "2026-09-21T14:12:20.123Z")


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, SUCCESS), (304, SUCCESS), (400, MINOR), (401, MINOR), (500, SERIOUS), (504, SERIOUS)]
)
def test_the_outcome_follows_the_status(status: int, outcome: int) -> None:
    assert outcome_of(status) == outcome


@pytest.mark.parametrize(("method", "action"), [("POST", "E"), ("PUT", "U"), ("DELETE", "D")])
def test_the_action_follows_the_method(method: str, action: str) -> None:
    assert change(method, "/job-index/x").action == action


def test_an_unsigned_report_is_dicoms_node_authentication() -> None:
    assert report_refused("not_signed") is NODE_NOT_PROVEN
    assert told(Record(report_refused("node_conflict")))["EventTypeCode"][0]["csd-code"] == "node_conflict"  # type: ignore[index]


def test_a_name_neither_forges_a_line_nor_fills_the_trail() -> None:
    evil = 'x"}\r\n{"forged":1}\x00' + "y" * 10_000
    found = told(Record(EXPORT, user=evil, address="host.example"))
    (participant,) = found["ActiveParticipant"]  # type: ignore[misc, attr-defined]
    assert participant["UserID"] == evil[:LONGEST_NAME]  # type: ignore[has-type]
    assert participant["NetworkAccessPointTypeCode"] == "1"  # type: ignore[has-type]
