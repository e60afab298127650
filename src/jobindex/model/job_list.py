"""Job list: the answer to `GET /jobs?expand` or `GET /jobs`, split without being parsed as a whole."""

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from jobindex.errors import MalformedReport
from jobindex.model.job import FINAL, is_job_id
from jobindex.model.moment import is_moment
from jobindex.model.spans import elements_in, members_in

_OPENING = re.compile(rb"\s*\[(?:\s*\n([ \t]+)(?=\{))?")
_NAMES = (b'"ID" : "', b'"State" : "', b'"Timestamp" : "')
_FORM = re.compile(rb'\{(\n[ \t]+)(?=")')


class Listed(NamedTuple):
    """A job as it stands in a list: what is seen of it at a glance, and its text, white space and all."""

    id: str
    state: str
    stamp: str
    digest: bytes
    """Of all but its Timestamp, which is another each time."""
    text: bytes

    @property
    def final(self) -> bool:
        return self.state in FINAL


def listed_jobs(body: bytes) -> Iterator[Listed]:
    """The jobs of an expanded list, in order; MalformedReport where it is none, perhaps after some of them."""
    opening = _OPENING.match(body)
    if opening is None:
        raise MalformedReport("an expanded list of jobs that is no list")
    try:
        for start, end in _elements(body, opening):
            yield at_a_glance(body[start:end])
    except ValueError:
        raise MalformedReport("an expanded list of jobs that is no JSON") from None


def _elements(body: bytes, opening: re.Match[bytes]) -> Iterator[tuple[int, int]]:
    """Where they lie.  In Orthanc's form a job ends at the bracket that is indented as its first one is."""
    indent = opening[1] or b""
    start, last, following = opening.end(), b"\n" + indent + b"}", b",\n" + indent + b"{"
    while indent and (end := body.find(last, start) + len(last)) >= len(last):
        if not body.startswith(following, end):
            break
        yield start, end
        start = end + len(following) - 1
    yield from elements_in(body, start - 1)  # what is before counts as the bracket


def at_a_glance(text: bytes) -> Listed:
    """MalformedReport where a text has no id and no Timestamp of a job's: then nothing can be said of it at all."""
    id_at, state_at, stamp_at = _places(text)
    job_id, state, stamp = (text[at].decode(errors="replace") for at in (id_at, state_at, stamp_at))
    if not is_job_id(job_id) or not is_moment(stamp):
        raise MalformedReport("a list with something that has no id and no time of a job's")
    digest = hashlib.blake2b(text[: stamp_at.start], digest_size=16)
    digest.update(text[stamp_at.stop :])
    return Listed(job_id, state, stamp, digest.digest(), text)


def _places(text: bytes) -> tuple[slice, slice, slice]:
    """Where a job's id, state and Timestamp stand.  In Orthanc's form each member of its own is indented alike."""
    if form := _FORM.match(text):
        job_id, state, stamp = (_text_after(text, form[1] + name) for name in _NAMES)
        if job_id and state and stamp:
            return job_id, state, stamp
    members = {name: slice(start + 1, end - 1) for name, start, end in members_in(text)}
    nowhere = slice(0, 0)
    return members.get(b"ID", nowhere), members.get(b"State", nowhere), members.get(b"Timestamp", nowhere)


def _text_after(text: bytes, name: bytes) -> slice | None:
    start = text.find(name) + len(name)
    return slice(start, text.index(b'"', start)) if start >= len(name) else None


def listed_ids(body: bytes) -> list[str]:
    """The ids of a list, each once, in order; MalformedReport where it is no list of ids and nothing else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) and is_job_id(each) for each in found):
        raise MalformedReport("a list of jobs that is no list of ids")
    return list(dict.fromkeys(found))
