"""A job: what an Orthanc says of it, and what we conclude when no Orthanc can say any more."""

import json
import re
import sys
from typing import Any, NamedTuple

import orjson

from jobindex.errors import MalformedReport
from jobindex.model.cut import MAX_JOB_BYTES, fitted
from jobindex.model.moment import is_moment
from jobindex.model.redaction import redacted
from jobindex.model.spans import members_in
from jobindex.model.text import compact, mended, minimal, most_members, with_members

STATES = ("Pending", "Running", "Success", "Failure", "Paused", "Retry")
FINAL = frozenset({"Success", "Failure"})
ACTIONS = ("cancel", "pause", "resume", "resubmit")

LONGEST_NUMBER = 4300
"""Digits that Python's own reader takes."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STATE = re.compile(r"[A-Za-z]{1,32}")
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))


def is_job_id(text: str) -> bool:
    """Whether `text` may be the id of a job; anything else is never sent to an Orthanc."""
    return _ID.fullmatch(text) is not None


def is_output_key(text: str) -> bool:
    """Whether `text` may name an output of a job (`archive`); anything else is never sent to an Orthanc."""
    return _KEY.fullmatch(text) is not None


class Job(NamedTuple):
    """One reading of a job: its text (compact, secrets masked) and the few fields that rules need."""

    id: str
    text: bytes
    state: str
    stamp: str
    progress: int = 0
    completed: str = ""
    cut: tuple[str, ...] = ()
    """Paths of the members that were too much."""

    @property
    def final(self) -> bool:
        return self.state in FINAL


def is_state(text: object) -> bool:
    """Whether this may be a state: one of Orthanc's, or of a release to come."""
    return isinstance(text, str) and _STATE.fullmatch(text) is not None


def read_job(text: bytes, most: int = MAX_JOB_BYTES) -> Job:
    """Read what Orthanc printed, of which `most` bytes are kept; MalformedReport where it is not a job of Orthanc's."""
    try:
        printed, cut = fitted(compact(text), most)
        printed, fields, names = _readable(printed if cut else text, printed)
    except (ValueError, RecursionError):
        raise MalformedReport("A job that is not JSON, or JSON that readers understand differently") from None
    if not isinstance(fields, dict) or not _looks_right(fields):
        raise MalformedReport("A job without the members that Orthanc gives to every job")
    kept, more = fitted(redacted(printed, fields["Type"], names), most)  # what is masked may be longer
    return Job(
        id=fields["ID"],
        text=kept,
        state=fields["State"],
        stamp=fields["Timestamp"],
        progress=fields["Progress"],
        completed=fields.get("CompletionTime", ""),
        cut=tuple(sorted({*cut, *more})),
    )


def id_of(text: bytes) -> str:
    """The id of what is perhaps no job; "" where none is found."""
    try:
        found = [text[start + 1 : end - 1] for name, start, end in members_in(text, text.index(b"{")) if name == b"ID"]
    except ValueError:
        return ""
    job_id = found[0].decode(errors="replace") if found else ""
    return job_id if is_job_id(job_id) else ""


def read_minimal(text: bytes, most: int = MAX_JOB_BYTES) -> Job:
    """The same, without anything that may speak of patients."""
    job = read_job(text, most)
    return job._replace(text=minimal(job.text))


def _readable(text: bytes, printed: bytes) -> tuple[bytes, Any, list[str] | None]:
    """A compact text that every reader takes, what it says, and the names of its members where they were looked at.

    Orthanc passes on what it was given: half a surrogate pair and bytes that are no UTF-8 become U+FFFD.
    """
    try:
        return printed, *_parsed(text, printed)
    except ValueError:
        repaired = mended(text)
        if repaired == text:
            raise
    printed = compact(repaired)
    return printed, *_parsed(repaired, printed)


def _parsed(text: bytes, printed: bytes) -> tuple[Any, list[str] | None]:
    """What a text says, and the names of its members where those were looked at; `printed` is the same text, compact.

    ValueError or RecursionError where not every reader of JSON would read the same.
    """
    fields = orjson.loads(text)  # the stricter one: no NaN, no infinity, no lone surrogate, no more than 1,024 levels
    if len(printed) <= LONGEST_NUMBER or not _LONG_NUMBER.search(printed):
        most = most_members(printed)
        names = member_names(fields, most)
        if len(names) == most:
            return fields, names  # none is there twice
    return json.loads(text, object_pairs_hook=_unrepeated), None


def member_names(value: Any, most: int = sys.maxsize) -> list[str]:
    """Those of all objects in a value, in which there are `most`: behind the last one nothing is looked at."""
    names: list[str] = []
    inner = [value] if isinstance(value, (dict, list)) else []
    for each in inner:  # which grows meanwhile
        if type(each) is dict:
            names += each
            if len(names) >= most:
                break
        for value in each.values() if type(each) is dict else each:
            if type(value) is dict or type(value) is list:
                inner.append(value)
    return names


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member that is there twice")
    return found


def _looks_right(fields: dict[str, Any]) -> bool:
    """What unmodified clients rely on: a known state, an object as content, times in Orthanc's form."""
    told = fields.get
    job_id, progress = told("ID"), told("Progress")
    return (
        type(job_id) is str
        and is_job_id(job_id)
        and is_state(told("State"))
        and type(told("Type")) is str
        and type(told("Content")) is dict
        and type(progress) is int
        and 0 <= progress <= 100
        and is_moment(told("Timestamp"))
        and is_moment(told("CreationTime"))
        and ("CompletionTime" not in fields or is_moment(fields["CompletionTime"]))
    )


def as_lost(text: bytes, last_seen: str, when: str, why: str) -> bytes:
    """The text of a job whose end can't be known any more: a failure, so that those who wait stop waiting."""
    details = f"Lost: {why}; last seen {last_seen}, given up {when}"
    return with_members(
        text,
        {
            b"State": b'"Failure"',
            b"ErrorCode": b"-1",
            b"ErrorDescription": b'"Internal error"',
            b"ErrorDetails": orjson.dumps(details),
            b"CompletionTime": orjson.dumps(when),
        },
    )


ENDS = {"JobSuccess": "Success", "JobFailure": "Failure"}
"""Orthanc's events that say how a job ended."""


def as_ended(text: bytes, state: str, when: str) -> bytes:
    """The last known text of a job that Orthanc forgot before it could be read, with the end its event told.

    Why it failed went with it, so a failure carries Orthanc's code for that, -1.
    """
    changed = {
        b"State": orjson.dumps(state),
        b"Timestamp": orjson.dumps(when),
        b"CompletionTime": orjson.dumps(when),
    }
    if state == "Failure":
        changed |= {b"ErrorCode": b"-1", b"ErrorDescription": b'"Internal error"'}
    else:
        changed |= {b"ErrorCode": b"0", b"ErrorDescription": b'"Success"', b"Progress": b"100"}
    return with_members(text, changed)


def bare(job_id: str, when: str) -> bytes:
    """The text of a job of which only an event is known: the members that every client relies on, and no more."""
    return orjson.dumps(
        {
            "Content": {},
            "CreationTime": when,
            "EffectiveRuntime": 0.0,
            "ErrorCode": 0,
            "ErrorDescription": "Success",
            "ErrorDetails": "",
            "ID": job_id,
            "Priority": 0,
            "Progress": 0,
            "State": "Pending",
            "Timestamp": when,
            "Type": "Unknown",
        }
    )
