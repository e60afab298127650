"""What nodes say, put together for tests: jobs, reports, times."""

import json
import time
from typing import Any

from jobindex.model.moment import moment
from jobindex.model.report import Report, read_report

from ..builders import job_id

INCARNATION = "a" * 32
NEXT_INCARNATION = "b" * 32


def stamp(seconds: float = 0.0) -> str:
    """The time so many seconds from now, in Orthanc's form."""
    return moment(time.time() + seconds)


def job(number: int = 1, state: str = "Running", at: float = 0.0, **more: Any) -> bytes:
    """A job as Orthanc prints it, read `at` seconds from now; members are replaced or added by name."""
    members = {
        "Content": {"Description": "REST API"},
        "CreationTime": "20260101T000000.000001",
        "EffectiveRuntime": 0.006,
        "ErrorCode": 0,
        "ErrorDescription": "Success",
        "ErrorDetails": "",
        "ID": job_id(number),
        "Priority": 0,
        "Progress": 100 if state == "Success" else 10,
        "State": state,
        "Timestamp": stamp(at),
        "Type": "ResourceModification",
        **more,
    }
    if state in ("Success", "Failure"):
        members.setdefault("CompletionTime", members["Timestamp"])
    return json.dumps(dict(sorted(members.items())), indent=3).encode()


def told(*jobs: bytes, incarnation: str = INCARNATION, taken: float = 0.0, **more: Any) -> dict[str, Any]:
    """The members of a report as they go over the wire."""
    return {
        "Format": 1,
        "Incarnation": incarnation,
        "Taken": stamp(taken),
        "Jobs": [text.decode() for text in jobs],
        **more,
    }


def report(*jobs: bytes, **more: Any) -> Report:
    """A report of some jobs; `Url="http://…"` makes it introduce its node."""
    url = more.pop("Url", None)
    if url is not None:
        more["Register"] = {"Name": "orthanc", "Url": url, "HttpPort": 8042, "Version": "1.12.7"}
    return read_report(json.dumps(told(*jobs, **more)).encode())


def complete(*jobs: bytes, ids: tuple[int, ...] = (), **more: Any) -> Report:
    """A complete report: these jobs with their bodies, those ids without."""
    brought = [json.loads(text)["ID"] for text in jobs]
    return report(*jobs, Ids=brought + [job_id(number) for number in ids], Complete=True, **more)
