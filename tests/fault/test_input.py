"""Cases G: what should not be asked."""

import asyncio
import re

import pytest

from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

JOB = "{id}"
ASKED = re.compile(r"GET /system|(GET|POST|DELETE) /jobs(/[0-9a-f-]{36}(/[A-Za-z0-9_-]{1,64})?)?")
ESCAPES = [
    "/jobs/../system",
    "/jobs/%2e%2e/system",
    "/jobs/..%2fsystem",
    "/jobs/..%2ftools%2fshutdown%3fx%3d/cancel",
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
    f"/jobs/{JOB}/cancel/../../../tools/reset",
]


async def ask(stage: Stage, method: str, target: str) -> int:
    """As it is, past every library that would mend it; the status."""
    port = stage.cluster.replicas["replica-1"].public_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    login = stage.cluster.nodes["orthanc-a"].headers["Authorization"]
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\n\r\n".encode())
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
