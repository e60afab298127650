"""Through nginx a path means what nginx and Orthanc agree it means, and is asked with the caller's own login.

What a path means is worked out here once more: decoded once, double slashes one, dots resolved.  Then the answer has
to be what the Orthanc gives to the plain path, or about jobs the replica.
"""

import posixpath
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

import pytest
import pytest_asyncio
from caller import calling, finished
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jobindex.demo.cluster import Plan

from ..unit.scripted_orthanc import AUTHORIZATION
from .clusters import started
from .raw import line_to

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOGINS = [AUTHORIZATION, "Basic eDp5", ""]
PIECES = [
    "jobs", "%6aobs", "job-index", "nodes", "system", "statistics", "{job}", "archive", "..", "%2e%2e", "%2E.", ".",
    "", "%2f", "..%2fsystem", "%2e%2e%2f", "a%20b", "%5c..", "..;", "%252e%252e", "%252f", "%C3%A9", "%23", "orthanc",
    "x", "peers", "modalities", "%7e", "jobs%0a", "metrics", "-", "ready",
]  # fmt: skip
BOUNDS = settings(
    max_examples=25, deadline=None, print_blob=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
PATHS = 10
STAMP = re.compile(rb'"Timestamp"\s*:\s*"[0-9T.]+"')
paths = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(lambda pieces: "/orthanc/" + "/".join(pieces))


@dataclass(frozen=True)
class Scene:
    """The ports of the three, and a job that has ended."""

    nginx: int
    orthanc: int
    replica: int
    job: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[Scene]:
    async with started(Plan(nodes=1, replicas=1, settings={"JOBINDEX_FAILED_LOGINS": "0"})) as cluster:
        (node,), (replica,) = cluster.nodes.values(), cluster.replicas.values()
        async with calling(node.url) as orthanc:
            job = await orthanc.archive(await orthanc.upload())
            await finished(orthanc, job)
        assert cluster.nginx is not None
        yield Scene(int(cluster.nginx.url.rpartition(":")[2]), node.port, replica.public_port, job)


@pytest.mark.parametrize("login", LOGINS, ids=["login", "wrong password", "nobody"])
@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/orthanc/jobs/..%2fsystem", "/system"),
        ("/orthanc/jobs/%2e%2e/system", "/system"),
        ("/orthanc/jobs/{job}/..%2f..%2fsystem", "/system"),
        ("/orthanc/jobs/{job}%2farchive", "/jobs/{job}/archive"),
        ("/orthanc/%6aobs/{job}", "/jobs/{job}"),
        ("/orthanc/system/..%2fjobs", "/jobs"),
        ("/orthanc//jobs//", "/jobs/"),
        ("/orthanc/jobs/{job}/%2e%2e", "/jobs/"),
        ("/orthanc/nodes/orthanc-a/report", "/nodes/orthanc-a/report"),
    ],
)
async def test_a_spelling_is_what_it_means(scene: Scene, asked: str, meant: str, login: str) -> None:
    assert meaning(asked) == f"/orthanc{meant}"
    await check(scene, asked.replace("{job}", scene.job), login)


@BOUNDS
@given(st.lists(st.tuples(paths, st.sampled_from(LOGINS)), min_size=PATHS, max_size=PATHS))
async def test_any_spelling_is_what_it_means(scene: Scene, asked: list[tuple[str, str]]) -> None:
    for path, login in asked:
        await check(scene, path.replace("{job}", scene.job), login)


@pytest.mark.parametrize("path", ["/orthanc/../jobs", "/orthanc/..%2fmetrics", "/orthanc/../../etc/passwd", "/jobs"])
async def test_out_of_orthanc_leads_nowhere(scene: Scene, path: str) -> None:
    status, _ = await ask(scene.nginx, path, AUTHORIZATION)
    assert status in (400, 404)


def meaning(path: str) -> str:
    """As nginx: a path above the root is none, "" here."""
    decoded = unquote_to_bytes(path).decode("latin-1")
    depth = 0
    for part in (part for part in decoded.split("/") if part not in ("", ".")):
        depth += -1 if part == ".." else 1
        if depth < 0:
            return ""
    plain = "/" + posixpath.normpath(decoded).strip("/")
    ends = decoded.endswith(("/", "/.", "/.."))
    return plain + "/" if ends and plain != "/" else plain


async def check(scene: Scene, path: str, login: str) -> None:
    answer, meant = await ask(scene.nginx, path, login), meaning(path)
    below = meant.removeprefix("/orthanc") if meant.startswith("/orthanc/") else None
    if below is None:
        assert answer[0] in (302, 400, 404), (path, meant, answer)
        return
    ours = below.split("/")[1] in ("jobs", "job-index")
    port = scene.replica if ours else scene.orthanc
    expected = await ask(port, quote(below.encode("latin-1"), safe="/~"), login)
    assert answer == expected, (path, meant)


async def ask(port: int, path: str, login: str) -> tuple[int, bytes]:
    """A path as it is; the status, and the body without what changes by itself."""
    lines = [f"GET {path} HTTP/1.1", "Host: here", *([f"Authorization: {login}"] if login else []), "Connection: close"]
    async with line_to(port) as line:
        status, _, body = await line.ask("\r\n".join([*lines, "", ""]).encode())
    return status, STAMP.sub(b"", body)
