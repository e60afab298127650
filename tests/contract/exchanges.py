"""The script of the contract: what a client asks of an Orthanc, in order, about jobs of every kind and state.

It needs one study (`{study}`), one job at a time (`ConcurrentJobs` 1), a `MediaArchiveSize` of 1, the peers
`nowhere` and `secret`, and a modality `nowhere`.  A long job keeps the queue waiting while the others are
looked at, so that nothing is left to luck.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "00000000-0000-0000-0000-000000000000"
NO_STUDY = "00000000-00000000-00000000-00000000-00000000"


@dataclass(frozen=True)
class Exchange:
    """One request; `status` is what Orthanc 1.10.1 answers.

    A path and a body may name earlier jobs in braces; `job` is the name of the job that the answer starts.
    `after` names jobs and the states that have to be awaited first.
    """

    name: str
    method: str
    path: str
    status: int
    body: str | None = None
    job: str | None = None
    after: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False


def _get(name: str, path: str, status: int = 200, **more: Any) -> Exchange:
    return Exchange(name, "GET", path, status, **more)


def _post(name: str, path: str, status: int = 200, **more: Any) -> Exchange:
    return Exchange(name, "POST", path, status, **more)


def _submit(job: str, path: str, **parameters: Any) -> Exchange:
    body = json.dumps({"Synchronous": False, **parameters})
    return Exchange(f"submit the {job}", "POST", path, 200, body=body, job=job)


SUBMITTED = [
    _get("no jobs", "/jobs"),
    _get("no jobs, expanded", "/jobs?expand"),
    _submit("long", "/studies/{study}/anonymize", Priority=10),
    _submit("archive", "/studies/{study}/archive"),
    _submit("send", "/peers/nowhere/store", Resources=["{study}"], Priority=5),
    _submit("secret send", "/peers/secret/store", Resources=["{study}"], Priority=4),
    _submit("DICOM send", "/modalities/nowhere/store", Resources=["{study}"], Priority=3),
    _submit("shelved", "/studies/{study}/anonymize", Priority=-3),
    _submit("unwanted", "/studies/{study}/modify", Priority=-4),
    _submit("unwanted archive", "/studies/{study}/archive", Priority=-5),
]
WAITING = [
    _post("pause pending", "/jobs/{shelved}/pause"),
    _post("pause paused", "/jobs/{shelved}/pause"),
    _post("cancel pending", "/jobs/{unwanted}/cancel"),
    _post("cancel pending archive", "/jobs/{unwanted archive}/cancel"),
    _get("list while busy", "/jobs", after={"long": "Running"}),
    _get("expand while busy", "/jobs?expand"),
    _get("get running", "/jobs/{long}"),
    _get("get pending", "/jobs/{archive}"),
    _get("get paused", "/jobs/{shelved}"),
    _get("get cancelled", "/jobs/{unwanted}"),
    _post("resume pending is refused", "/jobs/{archive}/resume", 400),
    _post("resume running is refused", "/jobs/{long}/resume", 400),
    _post("resubmit pending is refused", "/jobs/{archive}/resubmit", 400),
    _post("resubmit running is refused", "/jobs/{long}/resubmit", 400),
    _post("resubmit paused is refused", "/jobs/{shelved}/resubmit", 400),
    _post("resubmit a cancelled archive", "/jobs/{unwanted archive}/resubmit", 500),
    Exchange("delete one that is not complete", "DELETE", "/jobs/{shelved}", 405),
    _get("output of one that is not complete", "/jobs/{archive}/archive", 404),
    _post("pause running", "/jobs/{long}/pause"),
]
ENDED = [
    _get("get one that was running and is paused", "/jobs/{long}", after={"long": "Paused"}),
    _get("get archive", "/jobs/{archive}", after={"archive": "Success"}),
    _get("get send", "/jobs/{send}"),
    _get("get secret send", "/jobs/{secret send}"),
    _get("get DICOM send", "/jobs/{DICOM send}"),
    _post("resume paused", "/jobs/{shelved}/resume"),
    _get("get anonymization", "/jobs/{shelved}", after={"shelved": "Success"}),
    _post("resubmit failure", "/jobs/{DICOM send}/resubmit"),
    _get("get resubmitted", "/jobs/{DICOM send}", after={"DICOM send": "Failure"}),
    _post("resubmit cancelled", "/jobs/{unwanted}/resubmit"),
    _get("get revived", "/jobs/{unwanted}", after={"unwanted": "Success"}),
    _post("resume what ran before", "/jobs/{long}/resume"),
    _post("cancel running", "/jobs/{long}/cancel", after={"long": "Running"}),
    _get("get cancelled in mid-run", "/jobs/{long}", after={"long": "Failure"}),
    _post("resubmit success is refused", "/jobs/{archive}/resubmit", 400),
    _post("resume success is refused", "/jobs/{archive}/resume", 400),
    _post("pause success", "/jobs/{archive}/pause"),
    _post("cancel success", "/jobs/{archive}/cancel"),
    _post("pause failure", "/jobs/{send}/pause"),
    _post("cancel failure", "/jobs/{send}/cancel"),
]
REFUSED = [
    _post("unknown action", "/jobs/{archive}/frobnicate", 405),
    _post("post to the list", "/jobs", 405),
    _post("post to a job", "/jobs/{archive}", 405),
    Exchange("delete the list", "DELETE", "/jobs", 405),
    Exchange("put", "PUT", "/jobs/{archive}", 405),
    Exchange("head", "HEAD", "/jobs", 404),
    _get("unknown job", f"/jobs/{UNKNOWN}", 404),
    _post("cancel unknown", f"/jobs/{UNKNOWN}/cancel", 400),
    Exchange("delete unknown", "DELETE", f"/jobs/{UNKNOWN}", 405),
    _get("output of unknown", f"/jobs/{UNKNOWN}/archive", 404),
    _get("no such output", "/jobs/{archive}/nothing", 404),
    _get("an action is no output", "/jobs/{archive}/pause", 404),
    _get("below an output", "/jobs/{archive}/archive/more", 404),
    _get("no credentials", "/jobs", 401, anonymous=True),
    Exchange("head without credentials", "HEAD", "/jobs", 401, anonymous=True),
]
OUTPUTS = [
    _get("archive output", "/jobs/{archive}/archive"),
    _get("archive output with range", "/jobs/{archive}/archive", headers={"Range": "bytes=0-9"}),
    _submit("second archive", "/tools/create-archive", Resources=["{study}"]),
    _get("second archive output", "/jobs/{second archive}/archive", after={"second archive": "Success"}),
    _get("evicted output", "/jobs/{archive}/archive", 404),
    Exchange("delete output", "DELETE", "/jobs/{archive}/archive", 405),
]
LISTS = [
    _get("list", "/jobs"),
    _get("expand", "/jobs?expand"),
    _get("expand=", "/jobs?expand="),
    _get("expand=1", "/jobs?expand=1"),
    _get("expand=true", "/jobs?expand=true"),
    _get("expand=0", "/jobs?expand=0"),
    _get("expand=false", "/jobs?expand=false"),
    _get("expand=foo", "/jobs?expand=foo"),
    _get("trailing slash", "/jobs/"),
    _get("double slash", "//jobs"),
    _get("slashes everywhere", "//jobs//{archive}/"),
    _get("unknown argument", "/jobs?frobnicate=1"),
    Exchange("delete job", "DELETE", "/jobs/{archive}", 405),
    _get("get deleted", "/jobs/{archive}"),
]
ELSEWHERE = [
    _post("archive of no study", f"/studies/{NO_STUDY}/archive", 404, body="{}"),
    _post("archive without a body", "/studies/{study}/archive", 400, body=""),
    _post("anonymize by a list", "/studies/{study}/anonymize", 400, body="[]"),
    _post("archive at once", "/studies/{study}/archive", body="{}"),
    _post("archives at once", "/tools/create-archive", body='{"Resources": ["{study}"]}'),
    _get("download", "/studies/{study}/archive"),
    _post("modify at once", "/studies/{study}/modify", body="{}"),
    _post("send at once", "/peers/nowhere/store", 500, body='["{study}"]'),
    _post("send to an unknown peer", "/peers/stranger/store", 404, body='["{study}"]'),
    _post("send to an unknown modality", "/modalities/stranger/store", 404, body='["{study}"]'),
    _post("send nonsense", "/peers/nowhere/store", 400, body='["nonsense"]'),
    _post("send nothing", "/peers/nowhere/store", 400, body="{}"),
    _get("peers", "/peers"),
    _get("no study", "/studies/nowhere", 404),
    _get("no resource", "/nowhere", 404),
    _post("upload nothing", "/instances", 400, body=""),
    _post("upload no DICOM", "/instances", 400, body="junk"),
]

ABOUT_JOBS = [*SUBMITTED, *WAITING, *ENDED, *REFUSED, *OUTPUTS, *LISTS]
SCRIPT = [*ABOUT_JOBS, *ELSEWHERE]
