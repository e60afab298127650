"""The differences between our answers and those of an Orthanc that are meant to be.

Four hold everywhere: what we print is compact; each job object ends with one more member, `JobIndex`; what speaks of
secrets is masked; answers forbid copies and scripts.  `INTENDED_DIFFERENCES` names the exchanges that differ in
more: there we answer as release 1.12.7 does, whatever the node runs.
"""

import json
from collections.abc import Mapping
from typing import Any

from .neutral import Answer, as_json

MASKED = "REDACTED"

EXPAND = "`expand` is a Boolean"
NO_JOB = "a job that nobody has is not there, whatever the method"
NOT_ALLOWED = "jobs can be deleted through us, as each release from 1.12.2 on allows"
ERROR = "the JSON of an error is labelled text/plain, also where the node gave it no type"

INTENDED_DIFFERENCES = {
    "expand=0": EXPAND,
    "expand=false": EXPAND,
    "expand=foo": EXPAND,
    "delete unknown": NO_JOB,
    "output of unknown": ERROR,
    "output of one that is not complete": ERROR,
    "no such output": ERROR,
    "an action is no output": ERROR,
    "evicted output": ERROR,
    "resubmit a cancelled archive": ERROR,
    "below an output": ERROR,
    "unknown action": NOT_ALLOWED,
    "post to a job": NOT_ALLOWED,
    "put": NOT_ALLOWED,
}
"""The reason for each, by the name of the exchange."""


def expected(name: str, direct: Mapping[str, Answer], newer: Mapping[str, Answer]) -> Answer:
    """What we are to answer: what the node does, or where we answer ourselves, what 1.12.7 does."""
    return (newer if name in INTENDED_DIFFERENCES else direct)[name]


def comparable(answer: Answer) -> Answer:
    """Take away what differs everywhere: white space, `JobIndex`, and what is masked."""
    if not answer.body.startswith(("{", "[")):
        return answer
    value = json.loads(as_json(answer).body)
    return Answer(answer.status, answer.headers, json.dumps(_plain(value), sort_keys=True))


def job_objects(answer: Answer) -> list[dict[str, Any]]:
    """The job objects of an answer, their members in the order in which they came."""
    if not answer.body.startswith(("{", "[")):
        return []
    value = json.loads(as_json(answer).body)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict) and "State" in item]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=json.dumps)
    if isinstance(value, dict):
        return {name: _member(name, item) for name, item in value.items() if name != "JobIndex"}
    return value


def _member(name: str, value: Any) -> Any:
    if name == "HttpHeaders":
        return dict.fromkeys(value, MASKED)
    return _plain(value)
