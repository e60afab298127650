"""Cases G: what should not be asked."""

import asyncio
import re

import pytest

from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

JOB = "{id}"
ASKED = re.compile(
    r"GET /system|(GET|POST|DELETE) /jobs(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[A-Za-z0-9_-]{1,64})?)?"
)
ESCAPES = [
    "/jobs/../system",
    "/jobs/%2e%2e/system",
    "/jobs/..%2fsystem",
    "/jobs/..%2fsystem%3fx%3d/cancel",
    "/jobs/%252e%252e%252fsystem",
    "/jobs/%00",
    "/jobs/%0d%0aHost:%20evil",
    "/jobs//system",
    "/jobs/" + "a" * 7000,
    "/jobs/" + "a" * 9000,
    "/jobs/%e2%82%ac",
    f"/jobs/{JOB}/..%2f..%2fsystem",
    f"/jobs/{JOB}/..%2f..%2fstudies%2fx",
    f"/jobs/{JOB}/%2e%2e",
    f"/jobs/{JOB}/archive%2f..%2f..%2f..%2fsystem",
    f"/jobs/{JOB}/archive%3f_method=DELETE",
    f"/jobs/{JOB}%2farchive",
    f"/jobs/{JOB}/cancel/../../../system",
]


async def ask(stage: Stage, method: str, target: str, headers: str = "X-None: 1") -> int:
    """As it is, past every library that would mend it; the status."""
    port = stage.cluster.replicas["replica-1"].public_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    login = stage.cluster.nodes["orthanc-a"].headers["Authorization"]
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\n{headers}\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("target", ESCAPES, ids=range(len(ESCAPES)))
async def test_g1_no_spelling_leads_out_of_the_jobs(usual: Stage, method: str, target: str) -> None:
    if not usual.history.of("submit"):
        await usual.everywhere(1)
    job_id = usual.history.of("submit")[-1].id
    assert 400 <= await ask(usual, method, target.replace(JOB, job_id)) < 500
    for requests in usual.network.sent.values():
        assert [line for line in requests if not ASKED.fullmatch(line)] == []


@pytest.mark.fault_long
@pytest.mark.parametrize(
    "headers",
    ["X-HTTP-Method-Override: DELETE", "X-Original-URL: /system", "X-Rewrite-URL: /system", "Forwarded: for=127.0.0.1"],
)
async def test_g2_no_header_and_no_argument_makes_another_request_of_it(newer: Stage, headers: str) -> None:
    job_id = (await newer.everywhere(1))[0]
    assert await ask(newer, "GET", f"/jobs/{job_id}?_method=DELETE", headers) == 200
    assert await ask(newer, "GET", f"/jobs/{job_id}/archive?_method=DELETE", headers) == 200
    for requests in newer.network.sent.values():
        assert [line for line in requests if line.startswith("DELETE") and job_id in line] == []
    assert (await newer.front.list()).jobs[job_id].state == "Success"


@pytest.mark.fault_long
@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Content-Length: 4\r\nContent-Length: 5",
        "Transfer-Encoding: xchunked",
        "Content-Length : 4",
        "X-Folded: a\r\n b",
        "Content-Length: -1",
    ],
)
async def test_g3_a_request_that_could_be_two_is_none(usual: Stage, headers: str) -> None:
    assert await ask(usual, "POST", "/jobs", headers) == 400


@pytest.mark.fault_long
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("status=", 400),
        ("status=Success", 200),
        ("status=success", 200),
        ("status=Nonsense", 400),
        ("status=Success&status=Running", 200),
        ("status=" + "a" * 5000, 400),
        ("expand=0", 200),
        ("expand=false", 200),
    ],
    ids=["empty", "one", "lower", "unknown", "two", "long", "0", "false"],
)
async def test_g4_arguments_are_what_they_are_said_to_be(usual: Stage, query: str, status: int) -> None:
    assert await ask(usual, "GET", f"/jobs?{query}") == status


@pytest.mark.fault_long
async def test_g10_a_request_that_is_too_large_or_never_ends_hinders_nobody(usual: Stage) -> None:
    await usual.everywhere(1)
    assert await ask(usual, "GET", "/jobs", "X-Large: " + "a" * 100_000) in (400, 431)
    port = usual.cluster.replicas["replica-1"].public_port
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
    for _, writer in slow:
        writer.write(b"GET /jobs HTTP/1.1\r\nX-Slow: ")
    call = await usual.at["replica-1"].list()
    assert call.result == "ok"
    assert call.ended - call.began < 1
    for _, writer in slow:
        writer.close()
    await usual.check()
