"""Every route, asked by every kind of caller: a replica refuses whom its Orthanc refuses, in the same words."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import product

import aiohttp
import pytest
import pytest_asyncio
from caller import calling, eventually, finished

from jobindex.demo.cluster import Cluster

from .clusters import started
from .setups import (
    QUERIES_TRAVEL,
    Caller,
    Setup,
    filtered_tokens,
    filtered_users,
    registered_users,
    two_with_other_users,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "12345678-0000-4000-8000-000000000000"
JOBS = {"known": "{job}", "unknown": UNKNOWN, "malformed": "not-an-id"}
ACTIONS = ("cancel", "pause", "resume", "resubmit")
ROUTES = {
    "list": ("GET", "/jobs"),
    "list, expanded": ("GET", "/jobs?expand"),
    "HEAD of the list": ("HEAD", "/jobs"),
    "OPTIONS of the list": ("OPTIONS", "/jobs"),
    "POST to the list": ("POST", "/jobs"),
    **{f"get {kind}": ("GET", f"/jobs/{job}") for kind, job in JOBS.items()},
    **{f"delete {kind}": ("DELETE", f"/jobs/{job}") for kind, job in JOBS.items()},
    **{f"output of {kind}": ("GET", f"/jobs/{job}/archive") for kind, job in JOBS.items()},
    **{f"delete output of {kind}": ("DELETE", f"/jobs/{job}/archive") for kind, job in JOBS.items()},
    **{f"{name} {kind}": ("POST", f"/jobs/{job}/{name}") for name in ACTIONS for kind, job in JOBS.items()},
    "HEAD of known": ("HEAD", "/jobs/{job}"),
    "OPTIONS of known": ("OPTIONS", "/jobs/{job}"),
    "PUT to known": ("PUT", "/jobs/{job}"),
    "PATCH of the list": ("PATCH", "/jobs"),
    "PATCH of known": ("PATCH", "/jobs/{job}"),
}
NOBODYS, MALFORMED = {(405, 404)}, {(403, 404), (405, 404)}
INTENDED = {
    "HEAD of the list": {(403, 404)},
    "HEAD of known": {(404, 403), (403, 404)},
    "OPTIONS of the list": {(404, 405), (403, 405)},
    "OPTIONS of known": {(404, 405), (404, 403), (403, 405)},
    "POST to the list": {(403, 405)},
    "PUT to known": {(403, 405)},
    "PATCH of the list": {(400, 405), (400, 403)},
    "PATCH of known": {(400, 405), (400, 403)},
    "get malformed": MALFORMED,
    "delete malformed": MALFORMED,
    "delete unknown": NOBODYS,
    "delete output of unknown": NOBODYS,
    "delete output of malformed": NOBODYS,
    **{f"{name} malformed": {(403, 400)} for name in ACTIONS},
}
"""What an Orthanc 1.10.1 answers, and what we do, where docs/contract.md says so."""
REMEMBERED = 15.0
"""Seconds: a yes lasts ten, and the asking takes its time."""
Answer = tuple[int, str]
"""The status and the challenge."""
addresses = (f"10.1.{number >> 8}.{number & 255}" for number in itertools.count(1))
"""Each request from a place of its own: what is limited by address is not the subject."""


@dataclass(frozen=True)
class Scene:
    """A set-up at work: its cluster, and a job there that has ended well."""

    setup: Setup
    cluster: Cluster
    job: str
    others: Mapping[str, str] = field(default_factory=dict)
    """Jobs of further Orthancs, by their names."""

    def direct(self, node: str = "orthanc-a") -> str:
        return self.cluster.nodes[node].url

    @property
    def through(self) -> str:
        return self.cluster.replicas["replica-1"].public_url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scenes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[str, Scene]]:
    folder = tmp_path_factory.mktemp("rights")
    setups = {
        "registered users": registered_users(),
        "filter on users": filtered_users(folder / "users"),
        "filter on tokens": filtered_tokens(folder / "tokens"),
        "other users elsewhere": two_with_other_users(),
    }
    async with AsyncExitStack() as stack:
        found = await asyncio.gather(*(_scene(stack, setup) for setup in setups.values()))
        yield dict(zip(setups, found, strict=True))


async def _scene(stack: AsyncExitStack, setup: Setup) -> Scene:
    cluster = await stack.enter_async_context(started(setup.plan()))
    jobs = {name: await _job(cluster, name, setup) for name in cluster.nodes}
    return Scene(setup, cluster, jobs.pop("orthanc-a"), jobs)


async def _job(cluster: Cluster, node: str, setup: Setup) -> str:
    async with calling(cluster.nodes[node].url, _administrator(setup)) as orthanc:
        job = await orthanc.archive(await orthanc.upload())
        await finished(orthanc, job)
    return job


def _administrator(setup: Setup) -> dict[str, str]:
    return dict(setup.callers["administrator"].headers)


SETUPS = ["registered users", "filter on users", "filter on tokens"]
CALLERS = ["nobody", "wrong password", "ordinary", "administrator"]
IN_THE_QUERY = ["ordinary, in the query", "administrator, in the query"] if QUERIES_TRAVEL else []


@pytest.mark.parametrize(("name", "caller"), [*product(SETUPS, CALLERS), *product(["filter on tokens"], IN_THE_QUERY)])
async def test_a_replica_refuses_whom_its_orthanc_refuses(scenes: Mapping[str, Scene], name: str, caller: str) -> None:
    scene = scenes[name]
    assert await differences(scene, scene.setup.callers[caller]) == {}


@pytest.mark.parametrize("caller", [*CALLERS, "elsewhere"])
async def test_rights_each_orthanc_decides_on_its_own_jobs(scenes: Mapping[str, Scene], caller: str) -> None:
    """What is shown of a job is what its own Orthanc shows, and a list is made of those that let the caller list."""
    scene = scenes["other users elsewhere"]
    asks = scene.setup.callers[caller]
    jobs = {"orthanc-a": scene.job, **scene.others}
    async with aiohttp.ClientSession() as session:
        lets_in = [node for node in jobs if (await ask(session, scene.direct(node), "GET", "/jobs", asks))[0] == 200]
        for _ in range(6):
            assert await listed(session, scene.through, asks) == {jobs[node] for node in lets_in}
        for node, job in jobs.items():
            for method, path in READS:
                path = path.replace("{job}", job)
                direct = await ask(session, scene.direct(node), method, path, asks)
                assert await ask(session, scene.through, method, path, asks) == direct, (method, path)


READS = (("GET", "/jobs/{job}"), ("POST", "/jobs/{job}/pause"), ("GET", "/jobs/{job}/archive"))


async def listed(session: aiohttp.ClientSession, url: str, caller: Caller) -> set[str]:
    """The ids that are listed in any way; none where the caller is refused."""
    found: set[str] = set()
    for path in ("/jobs", "/jobs?expand", "/jobs?limit=1", "/jobs?since=1&limit=1", "/jobs?status=Success"):
        async with session.get(url + path, headers={**caller.headers, "X-Forwarded-For": next(addresses)}) as response:
            told = await response.json() if response.status == 200 else []
            found |= {each["ID"] if isinstance(each, dict) else each for each in told}
    return found


async def test_a_right_that_is_taken_away_is_gone_here_too(scenes: Mapping[str, Scene]) -> None:
    """Everywhere at once, since a yes is remembered for ten seconds."""
    left = await asyncio.gather(*(_take_away(scene) for scene in scenes.values()))
    assert dict(zip(scenes, left, strict=True)) == {name: {} for name in scenes}


async def _take_away(scene: Scene) -> dict[str, tuple[Answer, Answer]]:
    """It was used, and so is remembered, the moment before; what differs in the end."""
    leaving = scene.setup.revoked
    async with aiohttp.ClientSession() as session:
        assert (await ask(session, scene.through, "GET", "/jobs", leaving))[0] == 200
        await scene.setup.revoke(scene.cluster)

        async def refused() -> bool:
            return (await ask(session, scene.through, "GET", "/jobs", leaving))[0] in (401, 403)

        await eventually(refused, REMEMBERED)
    return await differences(scene, leaving)


async def differences(scene: Scene, caller: Caller) -> dict[str, tuple[Answer, Answer]]:
    """By routes: what the Orthanc says and what a replica says, where that isn't meant to be so."""
    found = {}
    async with aiohttp.ClientSession() as session:
        for route, (method, path) in ROUTES.items():
            path = path.replace("{job}", scene.job)
            direct = await ask(session, scene.direct(), method, path, caller)
            through = await ask(session, scene.through, method, path, caller)
            if direct != through and not _is_intended(route, direct, through):
                found[route] = (direct, through)
    return found


def _is_intended(route: str, direct: Answer, through: Answer) -> bool:
    """Never another class of status, never another challenge."""
    pair = (direct[0], through[0])
    return pair in INTENDED.get(route, ()) and pair[0] // 100 == pair[1] // 100 and direct[1] == through[1]


async def ask(session: aiohttp.ClientSession, url: str, method: str, path: str, caller: Caller) -> Answer:
    query = ("&" if "?" in path else "?") + caller.query if caller.query else ""
    headers = {**caller.headers, "X-Forwarded-For": next(addresses)}
    async with session.request(method, url + path + query, headers=headers) as response:
        await response.read()
        return response.status, response.headers.get("WWW-Authenticate", "")
