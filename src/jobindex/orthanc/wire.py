"""Orthanc's forms: the paths that are asked, the answers read, and the errors printed as release 1.12.7 does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from jobindex.model.job import ACTIONS, is_job_id, is_output_key

JSON = "application/json; charset=utf-8"
CHALLENGE = 'Basic realm="Orthanc Secure Area"'

MESSAGES = {
    -1: "Internal error",
    3: "Parameter out of range",
    6: "Bad sequence of calls",
    7: "Accessing an inexistent item",
    8: "Bad request",
    9: "Error in the network protocol",
    16: "Timeout",
    17: "Unknown resource",
    22: "Cannot modify a read-only data structure",
    42: "The database is currently not available (probably a transient situation)",
}
"""Orthanc's error codes that we use, with Orthanc's words for them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an Orthanc answered: the status, the permitted headers, the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def refuses(self) -> bool:
        return refuses(self.status)

    @property
    def challenge(self) -> str:
        """How to log in, where Orthanc says so."""
        return self.headers.get("WWW-Authenticate", "")

    @property
    def allows(self) -> bool:
        """Whether Orthanc let this caller in: it did it, or found nothing to do it to.  An error is no yes."""
        return self.status in (200, 400, 404, 405)


def refuses(status: int) -> bool:
    """Whether Orthanc does not let this caller do this."""
    return status in (401, 403)


def job_path(job_id: str) -> str:
    """The path of a job, after a last look: nothing but an id ever gets into a path that is sent."""
    if not is_job_id(job_id):
        raise ValueError("not the id of a job")
    return f"/jobs/{job_id}"


def action_path(job_id: str, action: str) -> str:
    if action not in ACTIONS:
        raise ValueError("not an action on jobs")
    return f"{job_path(job_id)}/{action}"


def output_path(job_id: str, key: str) -> str:
    if not is_output_key(key):
        raise ValueError("not the key of an output")
    return f"{job_path(job_id)}/{key}"


def listed_ids(answer: Answer) -> list[str]:
    """The ids that `GET /jobs` was answered with; none where that is no list of ids."""
    try:
        found = json.loads(answer.body) if answer.status == HTTPStatus.OK else []
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str) and is_job_id(each)] if isinstance(found, list) else []


def is_orthancs(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an Orthanc may answer so: it leads nobody elsewhere, packs nothing unasked, and what it does is no page.

    A page with an error may be that of a proxy before it, and its status counts.
    """
    page = status == HTTPStatus.OK and headers.get("Content-Type", "").lower().startswith("text/html")
    packed = headers.get("Content-Encoding", "identity").lower() != "identity"
    return not (page or packed or 300 <= status < 400)


def comes_from_orthanc(answer: Answer) -> bool:
    """Whether an answer to `GET /system` without credentials is an Orthanc's, not some other server's there."""
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return "orthanc" in answer.headers.get("WWW-Authenticate", "").lower()
    return answer.status == HTTPStatus.FORBIDDEN or (answer.status == HTTPStatus.OK and b'"ApiVersion"' in answer.body)


def error_body(status: int, code: int, details: str, method: str, uri: str, **more: bool | str) -> bytes:
    """Orthanc's error JSON: sorted members, a tab before each, ` : ` after its name."""
    fields: dict[str, int | str | bool] = {
        "HttpError": HTTPStatus(status).phrase,
        "HttpStatus": status,
        "Message": MESSAGES[code],
        "Method": method,
        "OrthancError": MESSAGES[code],
        "OrthancStatus": code,
        "Uri": uri,
        **more,
    }
    if details:
        fields["Details"] = details
    lines = (f"\t{json.dumps(name)} : {json.dumps(fields[name])}" for name in sorted(fields))
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
