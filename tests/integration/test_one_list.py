"""Three Orthancs, two replicas, nginx: one list of jobs, and every job can be acted on through any replica."""

import io
import zipfile
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from caller import Caller, calling, eventually, finished

from jobindex.demo.cluster import Cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def front(shared: Cluster) -> AsyncIterator[Caller]:
    """Through nginx."""
    async with calling(f"{shared.nginx.url}/orthanc") as caller:
        yield caller


@pytest_asyncio.fixture(loop_scope="session")
async def orthancs(shared: Cluster) -> AsyncIterator[dict[str, Caller]]:
    """Each Orthanc directly."""
    async with (
        calling(shared.nodes["orthanc-a"].url) as a,
        calling(shared.nodes["orthanc-b"].url) as b,
        calling(shared.nodes["orthanc-c"].url) as c,
    ):
        yield {"orthanc-a": a, "orthanc-b": b, "orthanc-c": c}


@pytest_asyncio.fixture(loop_scope="session")
async def replicas(shared: Cluster) -> AsyncIterator[tuple[Caller, Caller]]:
    async with (
        calling(shared.replicas["replica-1"].public_url) as one,
        calling(shared.replicas["replica-2"].public_url) as two,
    ):
        yield one, two


async def paused(orthanc: Caller) -> str:
    """A job that waits until it is resumed."""
    job = await orthanc.anonymize(await orthanc.upload(instances=60, size=20_000), priority=-5)
    assert (await orthanc.ask("POST", f"/jobs/{job}/pause"))[0] == 200
    await eventually(lambda: is_in(orthanc, job, "Paused"))
    return job


async def is_in(caller: Caller, job: str, *states: str) -> bool:
    return (await caller.json(f"/jobs/{job}"))["State"] in states


async def test_jobs_of_all_orthancs_are_in_one_list(front: Caller, orthancs: dict[str, Caller]) -> None:
    made = {name: await orthanc.archive(await orthanc.upload()) for name, orthanc in orthancs.items()}
    for job in made.values():
        await finished(front, job)
    listed = {job["ID"]: job["JobIndex"]["Node"] for job in await front.json("/jobs?expand")}
    assert {job: listed.get(job) for job in made.values()} == {job: name for name, job in made.items()}
    ids = await front.json("/jobs")
    assert ids == sorted(ids)
    assert set(made.values()) <= set(ids)


async def test_the_list_can_be_narrowed_by_state(front: Caller, orthancs: dict[str, Caller]) -> None:
    study = await orthancs["orthanc-b"].upload()
    good, bad = await orthancs["orthanc-b"].archive(study), await orthancs["orthanc-b"].send("nowhere", study)
    await finished(front, good)
    await finished(front, bad)
    successes = await front.json("/jobs?expand&status=success")
    assert {job["State"] for job in successes} == {"Success"}
    assert good in {job["ID"] for job in successes}
    assert bad in await front.json("/jobs?status=Failure")
    assert {good, bad} <= set(await front.json("/jobs?status=Failure,Success"))
    assert {good, bad} <= set(await front.json("/jobs?status=Failure&status=SUCCESS"))


@pytest.mark.parametrize("node", ["orthanc-a", "orthanc-b", "orthanc-c"])
async def test_actions_reach_the_owner_through_any_replica(
    node: str, orthancs: dict[str, Caller], replicas: tuple[Caller, Caller]
) -> None:
    one, two = replicas
    owner = orthancs[node]
    job = await paused(owner)
    assert (await one.json(f"/jobs/{job}"))["State"] == "Paused"
    status, body, _ = await two.ask("POST", f"/jobs/{job}/cancel")
    assert (status, body) == (200, b"{}")
    assert (await owner.json(f"/jobs/{job}"))["ErrorCode"] == 37
    assert job in await one.json("/jobs?status=Failure")
    assert (await one.ask("POST", f"/jobs/{job}/resume"))[0] == 400
    assert (await two.ask("POST", f"/jobs/{job}/resubmit"))[0] == 200
    ended = await finished(one, job)
    assert ended["ErrorCode"] != 37, "it ran anew"


async def test_pause_and_resume_are_seen_by_the_next_list_on_the_other_replica(
    orthancs: dict[str, Caller], replicas: tuple[Caller, Caller]
) -> None:
    one, two = replicas
    job = await paused(orthancs["orthanc-c"])
    assert (await one.ask("POST", f"/jobs/{job}/resume"))[0] == 200
    assert job not in await two.json("/jobs?status=Paused")
    await finished(two, job)


async def test_an_archive_is_byte_for_byte_what_its_owner_delivers(front: Caller, orthancs: dict[str, Caller]) -> None:
    owner = orthancs["orthanc-c"]
    job = await owner.archive(await owner.upload(instances=3))
    await finished(front, job)
    status, through, headers = await front.ask("GET", f"/jobs/{job}/archive")
    _, direct, told = await owner.ask("GET", f"/jobs/{job}/archive")
    assert status == 200
    assert through == direct
    assert zipfile.ZipFile(io.BytesIO(through)).testzip() is None
    for name in ("Content-Type", "Content-Length", "Content-Disposition"):
        assert headers[name] == told[name]


async def test_a_job_is_found_in_the_moment_after_its_creation(
    orthancs: dict[str, Caller], replicas: tuple[Caller, Caller]
) -> None:
    """As Orthanc Explorer 2 does: one answer that isn't 200 would freeze its progress bar for ever."""
    for owner in orthancs.values():
        study = await owner.upload()
        for number in range(30):
            job = await owner.archive(study)
            await finished(replicas[number % 2], job)


async def test_a_list_that_must_be_exact_is(orthancs: dict[str, Caller], replicas: tuple[Caller, Caller]) -> None:
    for owner in orthancs.values():
        study = await owner.upload()
        for number in range(10):
            job = await owner.archive(study)
            assert job in await replicas[number % 2].json("/jobs", headers={"Cache-Control": "no-cache"})


async def test_without_a_login_nobody_learns_anything(shared: Cluster) -> None:
    async with calling(f"{shared.nginx.url}/orthanc", headers={}) as stranger:
        for path in ("/jobs", "/jobs?expand", f"/jobs/{'0' * 36}", "/job-index/nodes", "/jobs/x/y/z"):
            status, body, headers = await stranger.ask("GET", path)
            assert (status, body) == (401, b""), path
            assert headers["WWW-Authenticate"] == 'Basic realm="Orthanc Secure Area"'


async def test_an_unchanged_list_is_not_sent_again(front: Caller, orthancs: dict[str, Caller]) -> None:
    _, _, headers = await front.ask("GET", "/jobs?status=Paused")
    tag = headers["ETag"]

    async def unchanged() -> bool:
        nonlocal tag
        status, _, headers = await front.ask("GET", "/jobs?status=Paused", headers={"If-None-Match": tag})
        tag = headers["ETag"]
        return status == 304

    await eventually(unchanged)
    await paused(orthancs["orthanc-a"])

    async def changed() -> bool:
        return (await front.ask("GET", "/jobs?status=Paused", headers={"If-None-Match": tag}))[0] == 200

    await eventually(changed)
