"""One record of the audit trail, named as in DICOM PS3.15 A.5, as one line of JSON.

Law: of what a caller wrote nothing gets in but a user's name, an address, the id of a job and that of a node.
"""

import json
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

DCM = "DCM"
OURS = "99JOBINDEX"
"""Our own coding scheme: DICOM leaves the names that begin with 99 to everybody."""

SUCCESS, MINOR, SERIOUS, MAJOR = 0, 4, 8, 12
LONGEST_NAME = 128
"""Characters of a user's name: a caller may put anything there."""


@dataclass(frozen=True, slots=True)
class Code:
    """A coded word."""

    value: str
    text: str
    system: str = DCM

    def told(self) -> dict[str, str]:
        return {"csd-code": self.value, "codeSystemName": self.system, "originalText": self.text}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened; `action` is Create, Read, Update, Delete or Execute, by its first letter."""

    id: Code
    action: str
    type: Code | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Who did what to what.  Equal ones are one kind of thing that happened again."""

    event: Event
    phase: str = "noted"
    """`asked` before anything was sent, `answered` when it was over, `noted` where it is told once."""
    request: str = ""
    user: str = ""
    address: str = ""
    job: str = ""
    node: str = ""
    status: int = 0
    """That of the HTTP answer; 0 for none."""
    outcome: int | None = SUCCESS


def outcome_of(status: int) -> int:
    """PS3.15's indicator: the caller's side failed it, or ours."""
    return SUCCESS if status < 400 else MINOR if status < 500 else SERIOUS


def line(record: Record, source: str, when: float, *, count: int = 1, since: float = 0.0) -> bytes:
    """The record as it is written; `when` and `since` are seconds since 1970."""
    told: dict[str, object] = {
        "EventDateTime": _time(when),
        "Phase": record.phase,
        "RequestID": record.request,
        "EventID": record.event.id.told(),
        "EventTypeCode": [record.event.type.told()] if record.event.type else [],
        "EventActionCode": record.event.action,
        "EventOutcomeIndicator": record.outcome,
        "Status": record.status or None,
        "ActiveParticipant": [_participant(record)] if record.user or record.address else [],
        "AuditSourceID": source,
        "ParticipantObject": _objects(record),
    }
    if since:
        told |= {"Count": count, "Since": _time(since)}
    kept = {name: value for name, value in told.items() if value not in ("", None, [])}
    return json.dumps(kept, separators=(",", ":")).encode() + b"\n"


def source_id(pid: int) -> str:
    """What names this process among all that write a trail."""
    return f"{socket.gethostname()}/{pid}"


def _participant(record: Record) -> dict[str, object]:
    told: dict[str, object] = {"UserID": record.user[:LONGEST_NAME], "UserIsRequestor": True}
    if record.address:
        told |= {"NetworkAccessPointID": record.address, "NetworkAccessPointTypeCode": _kind(record.address)}
    return told


def _kind(address: str) -> str:
    """PS3.15: 1 is a machine's name, 2 an IP address."""
    try:
        ip_address(address)
    except ValueError:
        return "1"
    return "2"


def _objects(record: Record) -> list[dict[str, object]]:
    """A job and a node are system objects (2); Node ID is DICOM's word, a job's id is ours."""
    kinds = ((record.job, Code("job", "Orthanc job", OURS)), (record.node, Code("110182", "Node ID")))
    return [
        {
            "ParticipantObjectID": name,
            "ParticipantObjectTypeCode": "2",
            "ParticipantObjectIDTypeCode": kind.told(),
        }
        for name, kind in kinds
        if name
    ]


def _time(seconds: float) -> str:
    """UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
