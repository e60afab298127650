"""Routing check: whether what answers jobs at nginx is a replica, and what answers the rest an Orthanc; else who is."""

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from jobindex.cli.doctor.asking import Heard
from jobindex.model.finding import PROBLEM, WARNING, Finding
from jobindex.orthanc.wire import Answer, comes_from_orthanc

NO_REPLICA = b"No replica of the job index answers"
"""nginx's own 503."""
REPLICAS = "see that replicas run, and name their public ports (8000) in deploy/nginx/upstreams.conf, twice"
ORTHANCS = "see that Orthancs run, and name their HTTP ports (8042) in deploy/nginx/upstreams.conf (`orthancs`)"
FRONT = "name nginx's address in --front (`listen` in deploy/nginx/listen.conf, 8080 unless you changed it)"
NOT_PASSED_ON = (502, 503, 504)
LOGIN = (301, 302, 303, 307, 401, 403)


class Seen(NamedTuple):
    """What nginx answers to nobody in particular, at and below /orthanc, and at its root."""

    jobs: Heard
    system: Heard
    root_jobs: Heard
    root_system: Heard


PATHS = ("/orthanc/jobs", "/orthanc/system", "/jobs", "/system")
"""What is asked, in the order of `Seen`."""
Row = tuple[str, str, str]


def routing(front: str, seen: Seen) -> list[Finding]:
    return [Finding(level, "nginx", says, mend) for level, says, mend in _rows(front, seen)]


def _rows(front: str, seen: Seen) -> Iterator[Row]:
    if not seen.jobs.status and not seen.system.status:
        yield PROBLEM, f"{front} does not answer: {seen.jobs.why or 'timed out'}", f"see that nginx runs; {FRONT}"
    elif who := _itself(seen):
        yield PROBLEM, f"at {front} {who} answers itself, and not nginx", FRONT
    elif _is_guarded(seen):
        says = (
            f"something before nginx wants a login at {front} ({seen.jobs.status}), so nothing behind it was looked at"
        )
        yield WARNING, says, FRONT
    else:
        yield from _jobs(seen.jobs)
        yield from _system(seen.system)


def _itself(seen: Seen) -> str:
    """Who answers without the /orthanc before the path; "" where jobs come from a replica, or nobody does."""
    if is_replicas(seen.jobs) and not is_replicas(seen.system):
        return ""
    if is_replicas(seen.root_jobs):
        return "a replica"
    return "an Orthanc" if seen.root_system.status != 403 and is_orthancs(seen.root_system) else ""


def _is_guarded(seen: Seen) -> bool:
    strangers = not is_replicas(seen.jobs) and not is_orthancs(seen.system)
    return strangers and seen.jobs.status == seen.system.status and seen.jobs.status in LOGIN


def _jobs(heard: Heard) -> Iterator[Row]:
    status, says = heard.status, f"/orthanc/jobs is answered with {heard.status or 'nothing'}"
    if is_replicas(heard):
        yield from _of_a_replica(heard, says)
    elif status == 429:
        yield WARNING, f"{says}: this address asks too often", "look again in a moment"
    elif NO_REPLICA in heard.body or status in NOT_PASSED_ON or not status:
        yield PROBLEM, f"nginx reaches no replica: {says}", REPLICAS
    else:
        yield PROBLEM, f"{says} by something else than a replica", f"{REPLICAS}; or {FRONT}"


def _of_a_replica(heard: Heard, says: str) -> Iterator[Row]:
    if heard.status == 404:
        yield PROBLEM, f"nginx sends jobs to the internal listener of a replica: {says}", REPLICAS
    elif heard.status == 429:
        yield WARNING, f"{says}: this address has failed to log in too often", "look again in a moment"
    elif heard.status not in (200, 401, 403):
        mend = "see what is said of the nodes and of Redis: where no Orthanc can be asked, nobody is let in"
        yield PROBLEM, f"{says} by a replica: {_details(heard)}", mend


def _system(heard: Heard) -> Iterator[Row]:
    says = f"/orthanc/system is answered with {heard.status or 'nothing'}"
    if is_replicas(heard):
        yield PROBLEM, f"nginx sends what is an Orthanc's to a replica: {says}", ORTHANCS
    elif heard.status in NOT_PASSED_ON or not heard.status:
        yield PROBLEM, f"nginx reaches no Orthanc: {says}", ORTHANCS
    elif not is_orthancs(heard):
        yield PROBLEM, f"{says} by something else than an Orthanc", ORTHANCS


def is_replicas(heard: Heard) -> bool:
    """Whether it has the headers that all answers of a replica have, and neither nginx's nor Orthanc's."""
    return "x-request-id" in heard.headers and "sandbox" in heard.headers.get("content-security-policy", "")


def is_orthancs(heard: Heard) -> bool:
    challenge = heard.headers.get("www-authenticate", "")
    return comes_from_orthanc(Answer(heard.status, {"WWW-Authenticate": challenge}, heard.body))


def _details(heard: Heard) -> str:
    try:
        told = orjson.loads(heard.body)
    except orjson.JSONDecodeError:
        return "without a reason"
    return str(told.get("Details", "without a reason")) if isinstance(told, dict) else "without a reason"
