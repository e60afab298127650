"""Whatever a client sends, its Orthancs are asked about jobs and nothing else, by its own method, as itself."""

import itertools
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from jobindex.service.timing import Timing

from ..unit.web.replica import Replica, replica_on
from ..unit.words import job
from .hostile import KNOWN, PATHS, TOKEN, WAYS, Attack, batches
from .raw import Line, line_to
from .recording import Head, RecordingOrthanc, recording

REQUESTS = 10_000
BOUNDS = settings(
    max_examples=REQUESTS // (PATHS * WAYS),
    deadline=None,
    print_blob=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
READS = re.compile(r"GET /jobs(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[A-Za-z0-9_-]{1,64})?)? HTTP/1.1")
CHANGES = re.compile(
    r"(POST /jobs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(cancel|pause|resume|resubmit)"
    r"|DELETE /jobs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[A-Za-z0-9_-]{1,64})?) HTTP/1.1"
)
OPERATOR = "POST /jobs/00000000-0000-0000-0000-000000000000/cancel HTTP/1.1"
"""Asked of every Orthanc before the cluster is changed (DELETE of a node): of a job that nobody has."""
ALLOWED = {"host", "authorization", TOKEN.lower(), "content-length", "connection"}
QUIET = Timing(beat=3600.0, settling=0.0, patience=0.0)
"""No node is late, and none probed."""
addresses = (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in itertools.count(1))


@pytest.fixture
async def orthancs() -> AsyncIterator[list[RecordingOrthanc]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(recording()) for _ in range(2)]


@pytest.fixture
async def replica(
    redis_url: str, orthancs: list[RecordingOrthanc], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Replica]:
    """It knows one job, and does not wait for others to appear."""
    monkeypatch.setattr(logging.getLogger("aiohttp.server"), "disabled", True)
    monkeypatch.setattr("jobindex.service.search.FRESH", 0.0)
    monkeypatch.setattr("jobindex.store.changes.TAIL_BLOCK", 0.05)
    async with replica_on(redis_url, QUIET, token_headers=(TOKEN,), failed_logins=0) as replica:
        for node, orthanc in zip("ab", orthancs, strict=True):
            await replica.report(node, job(0xABC) if node == "a" else job(0xFFF), at=orthanc)  # type: ignore[arg-type]
        orthancs[0].jobs |= {f"/jobs/{KNOWN}": job(0xABC), f"/jobs/{KNOWN}/archive": b"PK"}
        await replica.get("/jobs")
        yield replica


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings(
    "ignore:Generating overly large repr"
)  # of the batch that failed: the failure is what counts
@BOUNDS
@given(batches)
async def test_no_request_of_ten_thousand_leaves_the_jobs(
    replica: Replica, orthancs: list[RecordingOrthanc], batch: list[Attack]
) -> None:
    async with line_to(int(replica.public.rpartition(":")[2])) as line:
        for attack in batch:
            await _try(line, attack, orthancs)


callers: set[tuple[str, str]] = set()
"""Who has asked so far: what they may is looked at again in the background, when others ask already."""


async def _try(line: Line, attack: Attack, orthancs: list[RecordingOrthanc]) -> None:
    callers.add(_caller(attack))
    status, headers, body = await line.ask(attack.bytes_from(next(addresses)), bodiless=attack.method == "HEAD")
    if status == 400 or attack.method not in ("GET", "HEAD"):
        await line.close()  # what could not be read may have left something behind
    changes = attack.method not in ("GET", "HEAD")
    unavailable = b'"OutcomeUnknown" : false' in body if changes else status == 503 and "retry-after" in headers
    assert status < 500 or unavailable, (status, body)
    assert not any("injected" in name for name in headers)
    for orthanc in orthancs:
        for head in orthanc.taken():
            _check(head, attack)


def _check(head: Head, attack: Attack) -> None:
    changes = CHANGES.fullmatch(head.line) and head.line != OPERATOR and head.line.split()[0] == attack.method
    assert READS.fullmatch(head.line) or changes or head.line == OPERATOR, head
    names = [name for name, _ in head.headers]
    assert set(names) <= ALLOWED, head
    assert len(set(names)) == len(names), head
    assert head.values("content-length") in ([], ["0"]), head
    asked_as = "".join(head.values("authorization")), "".join(head.values(TOKEN.lower()))
    assert asked_as == _caller(attack) if changes else asked_as in callers, head


def _caller(attack: Attack) -> tuple[str, str]:
    return _first(attack, "authorization"), _first(attack, TOKEN)


def _first(attack: Attack, name: str) -> str:
    """What the client has sent first under this name, its bytes read as the other side reads them.

    A byte that is no UTF-8 is left out of what is sent on.
    """
    told = (header.encode(errors="ignore").decode("latin-1").partition(":") for header in attack.headers)
    return next((value.strip() for each, _, value in told if each.lower() == name.lower()), "")
