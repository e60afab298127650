"""What stands where an Orthanc should, and answers what none would: nobody gets it for an answer."""

import gzip
import zlib
from collections.abc import AsyncIterator, Mapping

import pytest

from jobindex.service import relay

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc, Told, scripted
from ..words import job
from .replica import Replica

JOB = f"/jobs/{job_id(1)}"
UNKNOWN = f"/jobs/{job_id(9)}"
PAGE = b"<html><script>alert('canary')</script></html>"


def bomb(megabytes: int = 200) -> bytes:
    """That much, packed."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


HOSTILE: Mapping[str, Told] = {
    "a bomb": Told(body=bomb(), headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}),
    "a packed job": Told(body=gzip.compress(job(1)), headers={"Content-Encoding": "deflate"}),
    "a page": Told(body=PAGE, headers={"Content-Type": "text/html; charset=utf-8"}),
    "a redirection": Told(status=302, headers={"Location": "{elsewhere}/canary"}),
    "a permanent one": Told(status=308, headers={"Location": "{elsewhere}/canary"}),
    "chunks without end": Told(endless=True),
    "a large header": Told(body=b"{}", headers={"X-Large": "canary" * 20_000}),
    "many headers": Told(body=b"{}", headers={f"X-{number}": "canary" for number in range(1000)}),
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
async def taken_over(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    replica: Replica,
    orthanc: ScriptedOrthanc,
    other: ScriptedOrthanc,
) -> AsyncIterator[Replica]:
    """Both nodes answer so to all that follows; where they lead to is never asked anything."""
    monkeypatch.setattr(relay, "ACT_WITHIN", 0.5)
    monkeypatch.setattr(relay, "READ_WITHIN", 0.3)
    await replica.report("a", job(1, "Success"))
    await replica.knows_whom_to_ask()
    async with scripted() as elsewhere:
        told: Told = request.param
        headers = {name: value.replace("{elsewhere}", elsewhere.url) for name, value in told.headers.items()}
        for node in (orthanc, other):
            for method, path in EVERY:
                answer = Told(told.status, told.body, headers, endless=told.endless)
                node.tell_in_turn(path, [answer], method=method)
        yield replica
        assert elsewhere.asked == []


NO_JOB = "/jobs/00000000-0000-0000-0000-000000000000"
EVERY = [
    ("GET", JOB),
    ("GET", UNKNOWN),
    ("GET", f"{JOB}/archive"),
    ("POST", f"{JOB}/cancel"),
    ("DELETE", JOB),
    ("POST", f"{NO_JOB}/cancel"),
]


async def test_an_action_s_outcome_is_unknown(taken_over: Replica) -> None:
    for method, path in (("POST", f"{JOB}/cancel"), ("DELETE", JOB)):
        answer = await taken_over.ask(method, path)
        assert answer.status in (500, 504)  # the second finds a node that rests
        assert b"canary" not in answer.body
    assert (await taken_over.get("/jobs")).json == [job_id(1)]


async def test_a_job_is_shown_as_it_was_known_to_whom_another_lets_in(
    taken_over: Replica, other: ScriptedOrthanc
) -> None:
    other.forget(JOB)
    answer = await taken_over.get(JOB)
    assert (answer.status, answer.json["ID"], answer.json["State"]) == (200, job_id(1), "Success")
    assert "canary" not in str(answer.headers)


async def test_an_unknown_job_is_not_said_to_be_there_or_not(taken_over: Replica) -> None:
    assert (await taken_over.get(UNKNOWN)).status == 503


async def test_nobody_is_let_in_by_it(taken_over: Replica) -> None:
    assert (await taken_over.ask("POST", "/job-index/nodes/b/give-up")).status == 500


@pytest.mark.parametrize("taken_over", [each for each in HOSTILE.values() if not each.endless], indirect=True)
async def test_no_output_begins_with_it(taken_over: Replica) -> None:
    """But with bytes without end, which are an output like any other."""
    answer = await taken_over.get(f"{JOB}/archive")
    assert answer.status == 504
    assert b"canary" not in answer.body
