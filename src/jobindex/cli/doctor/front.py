"""What the doctor finds at nginx, as a client without credentials sees it.

The internal listener answers through nothing that clients reach: whoever gets there may report in an Orthanc's name
as soon as the secret is known, and sees how much goes on in any case.
"""

import asyncio

import aiohttp

from jobindex.cli.doctor.asking import Heard, ask
from jobindex.cli.doctor.nodes import is_plain
from jobindex.cli.doctor.routing import PATHS, Seen, is_replicas, routing
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding

INTERNAL = ("/nodes/doctor/report", "/metrics", "/-/ready", "/-/healthy")
BELOW = ("", "/orthanc", "/orthanc/job-index")
MARKS = (b"jobindex_", b'"Ready"', b'"Healthy"')
NGINX = "use nginx.conf of this project, whose upstreams name the replicas' public ports (8000) alone"


async def front_findings(session: aiohttp.ClientSession, front: str) -> list[Finding]:
    front = front.rstrip("/")
    paths = [below + path for below in BELOW for path in INTERNAL]
    answers = await asyncio.gather(*(ask(session, front + path) for path in paths))
    inside = [each for path, heard in zip(paths, answers, strict=True) for each in passed(path, heard)]
    seen = Seen(*await asyncio.gather(*(ask(session, front + path) for path in PATHS)))
    found = [*inside, *routing(front, seen), *listing(seen.jobs), *line(front)]
    return found or [Finding(OK, "nginx", f"{front} wants a login and hides the internal listener")]


def passed(path: str, heard: Heard) -> list[Finding]:
    """A finding where the answer can only be the internal listener's."""
    to_a_report = path.endswith("/report") and heard.status == 405 and heard.headers.get("allow") == "POST"
    if to_a_report or (heard.status in (200, 503) and any(mark in heard.body for mark in MARKS)):
        return [Finding(PROBLEM, "nginx", f"the internal listener answers through nginx at {path}", NGINX)]
    return []


def listing(heard: Heard) -> list[Finding]:
    """What a replica's list of jobs says to nobody in particular."""
    if not is_replicas(heard):
        return []
    found = []
    if heard.status == 200:
        mend = "set AuthenticationEnabled in the Orthancs: we let in whom they let in"
        found.append(Finding(WARNING, "nginx", "everybody may list all jobs, without a login", mend))
    if heard.body and heard.headers.get("x-content-type-options") != "nosniff":
        mend = "add_header X-Content-Type-Options nosniff always;"
        found.append(
            Finding(WARNING, "nginx", "answers don't say `nosniff`, so a browser may run what it downloads", mend)
        )
    return found


def line(front: str) -> list[Finding]:
    if not is_plain(front):
        return []
    mend = "let nginx listen with TLS (`listen 443 ssl`)"
    return [Finding(WARNING, "nginx", "passwords and patients' data go to clients unencrypted", mend)]
