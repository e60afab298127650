"""The script of the contract: what a client asks of an Orthanc, in order, about jobs of every kind and state.

It needs one study (`{study}`), one job at a time (`ConcurrentJobs` 1), a `MediaArchiveSize` of 1, the peers
`nowhere`, `secret` and `slow`, and a modality `nowhere`.  A long job, a send to the slow peer, keeps the queue waiting
while the others are looked at, so that nothing is left to luck.  What each release answers is in `recorded`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "00000000-0000-0000-0000-000000000000"
NO_STUDY = "00000000-00000000-00000000-00000000-00000000"


@dataclass(frozen=True)
class Exchange:
    """One request.

    A path and a body may name earlier jobs in braces; `job` is the name of the job that the answer starts.
    `after` names jobs and the states that have to be awaited first.
    """

    name: str
    method: str
    path: str
    body: str | None = None
    job: str | None = None
    after: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False


def _get(name: str, path: str, **more: Any) -> Exchange:
    return Exchange(name, "GET", path, **more)


def _post(name: str, path: str, **more: Any) -> Exchange:
    return Exchange(name, "POST", path, **more)


def _submit(job: str, path: str, **parameters: Any) -> Exchange:
    body = json.dumps({"Synchronous": False, **parameters})
    return Exchange(f"submit the {job}", "POST", path, body=body, job=job)


SUBMITTED = [
    _get("no jobs", "/jobs"),
    _get("no jobs, expanded", "/jobs?expand"),
    _submit("long", "/peers/slow/store", Resources=["{study}"], Priority=10),
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
    _post("resume pending is refused", "/jobs/{archive}/resume"),
    _post("resume running is refused", "/jobs/{long}/resume"),
    _post("resubmit pending is refused", "/jobs/{archive}/resubmit"),
    _post("resubmit running is refused", "/jobs/{long}/resubmit"),
    _post("resubmit paused is refused", "/jobs/{shelved}/resubmit"),
    _post("resubmit a cancelled archive", "/jobs/{unwanted archive}/resubmit"),
    Exchange("delete one that is not complete", "DELETE", "/jobs/{shelved}"),
    _get("output of one that is not complete", "/jobs/{archive}/archive"),
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
    _post("resubmit success is refused", "/jobs/{archive}/resubmit"),
    _post("resume success is refused", "/jobs/{archive}/resume"),
    _post("pause success", "/jobs/{archive}/pause"),
    _post("cancel success", "/jobs/{archive}/cancel"),
    _post("pause failure", "/jobs/{send}/pause"),
    _post("cancel failure", "/jobs/{send}/cancel"),
]
REFUSED = [
    _post("unknown action", "/jobs/{archive}/frobnicate"),
    _post("post to the list", "/jobs"),
    _post("post to a job", "/jobs/{archive}"),
    Exchange("delete the list", "DELETE", "/jobs"),
    Exchange("put", "PUT", "/jobs/{archive}"),
    Exchange("head", "HEAD", "/jobs"),
    _get("unknown job", f"/jobs/{UNKNOWN}"),
    _post("cancel unknown", f"/jobs/{UNKNOWN}/cancel"),
    Exchange("delete unknown", "DELETE", f"/jobs/{UNKNOWN}"),
    _get("output of unknown", f"/jobs/{UNKNOWN}/archive"),
    _get("no such output", "/jobs/{archive}/nothing"),
    _get("an action is no output", "/jobs/{archive}/pause"),
    _get("below an output", "/jobs/{archive}/archive/more"),
    _get("no credentials", "/jobs", anonymous=True),
    Exchange("head without credentials", "HEAD", "/jobs", anonymous=True),
]
OUTPUTS = [
    _get("archive output", "/jobs/{archive}/archive"),
    _get("archive output with range", "/jobs/{archive}/archive", headers={"Range": "bytes=0-9"}),
    _submit("second archive", "/tools/create-archive", Resources=["{study}"]),
    _get("second archive output", "/jobs/{second archive}/archive", after={"second archive": "Success"}),
    _get("evicted output", "/jobs/{archive}/archive"),
    Exchange("delete output", "DELETE", "/jobs/{archive}/archive"),
    Exchange("delete output that is there", "DELETE", "/jobs/{second archive}/archive"),
    _get("deleted output", "/jobs/{second archive}/archive"),
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
    Exchange("delete job", "DELETE", "/jobs/{archive}"),
    _get("get deleted", "/jobs/{archive}"),
]
ELSEWHERE = [
    _post("archive of no study", f"/studies/{NO_STUDY}/archive", body="{}"),
    _get("download of no study", f"/studies/{NO_STUDY}/archive"),
    _post("media of no study", f"/studies/{NO_STUDY}/media", body="{}"),
    _post("archives of no study", "/tools/create-archive", body=f'{{"Resources": ["{NO_STUDY}"]}}'),
    _post("anonymize no study", f"/studies/{NO_STUDY}/anonymize", body="{}"),
    _post("archive without a body", "/studies/{study}/archive", body=""),
    _post("anonymize by a list", "/studies/{study}/anonymize", body="[]"),
    _post("archive at once", "/studies/{study}/archive", body="{}"),
    _post("archives at once", "/tools/create-archive", body='{"Resources": ["{study}"]}'),
    _get("download", "/studies/{study}/archive"),
    _post("modify at once", "/studies/{study}/modify", body="{}"),
    _post("send at once", "/peers/nowhere/store", body='["{study}"]'),
    _post("send to an unknown peer", "/peers/stranger/store", body='["{study}"]'),
    _post("send to an unknown modality", "/modalities/stranger/store", body='["{study}"]'),
    _post("send nonsense", "/peers/nowhere/store", body='["nonsense"]'),
    _post("send nothing", "/peers/nowhere/store", body="{}"),
    _get("peers", "/peers"),
    _get("no study", "/studies/nowhere"),
    _get("no resource", "/nowhere"),
    _post("upload nothing", "/instances", body=""),
    _post("upload no DICOM", "/instances", body="junk"),
]

ABOUT_JOBS = [*SUBMITTED, *WAITING, *ENDED, *REFUSED, *OUTPUTS, *LISTS]
SCRIPT = [*ABOUT_JOBS, *ELSEWHERE]
