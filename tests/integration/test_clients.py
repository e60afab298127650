"""Clients that people use, unmodified, through nginx: they don't notice that there are three Orthancs."""

import asyncio
import io
import zipfile

import httpx
import pytest
from caller import Caller, calling, eventually
from orthanc_api_client import OrthancApiClient
from pyorthanc import Job, Orthanc

from jobindex.demo.cluster import Cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")


def follow_with_pyorthanc(url: str, study: str) -> None:
    with Orthanc(url, "demo", "demo") as client:
        started = client.post_studies_id_anonymize(study, json={"Asynchronous": True})
        job = Job(started["ID"], client)
        job.wait_until_completion(time_interval=1)
        assert job.state.value == "Success"
        assert job.error.value == 0
        assert job.completion_time >= job.creation_time
        assert started["ID"] in client.get_jobs()
        assert started["ID"] in {each["ID"] for each in client.get_jobs({"expand": ""})}
        assert client.post_jobs_id_cancel(started["ID"]) == {}
        with pytest.raises(httpx.HTTPError):
            client.post_jobs_id_resume(started["ID"])
        archive = client.post_studies_id_archive(study, json={"Asynchronous": True})["ID"]
        Job(archive, client).wait_until_completion(time_interval=1)
        content = client.get_jobs_id_key(archive, "archive")
        assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def follow_with_orthanc_api_client(url: str, study: str) -> None:
    client = OrthancApiClient(url, user="demo", pwd="demo")
    started = client.post(f"studies/{study}/anonymize", json={"Asynchronous": True}).json()["ID"]
    followed = client.jobs.get(started)
    assert followed.wait_completed(timeout=30, polling_interval=0.2)
    assert followed.refresh().info.status == "Success"
    assert started in client.jobs.get_all_ids()
    client.jobs.cancel(started)


async def test_pyorthanc(shared: Cluster) -> None:
    async with calling(shared.nodes["orthanc-a"].url) as orthanc:
        study = await orthanc.upload(instances=2)
    await asyncio.to_thread(follow_with_pyorthanc, f"{shared.nginx.url}/orthanc", study)


async def test_orthanc_api_client(shared: Cluster) -> None:
    async with calling(shared.nodes["orthanc-b"].url) as orthanc:
        study = await orthanc.upload(instances=2)
    await asyncio.to_thread(follow_with_orthanc_api_client, f"{shared.nginx.url}/orthanc/", study)


async def explorer_follows(front: Caller, job: str) -> str:
    """Orthanc Explorer 2's progress bar: polls from the first moment, and never again after one answer not 200."""

    async def ended() -> str:
        told = await front.json(f"/jobs/{job}")
        assert isinstance(told["Content"], dict)
        return str(told["State"]) if told["State"] in ("Success", "Failure") else ""

    return str(await eventually(ended))


async def test_the_job_pages_of_orthanc_explorer_2(shared: Cluster) -> None:
    async with calling(f"{shared.nginx.url}/orthanc") as front:
        study = await front.upload(instances=10, size=20_000)
        for _ in range(20):
            assert await explorer_follows(front, await front.anonymize(study, priority=1)) == "Success"
        job = await front.send("nowhere", study)
        assert await explorer_follows(front, job) == "Failure"
        for each in await front.json("/jobs?expand"):
            assert (each.get("CompletionTime") or each["CreationTime"])[:8].isdigit()
        assert await front.post(f"/jobs/{job}/resubmit") == {}
        assert await explorer_follows(front, job) == "Failure"
        assert job in {each["ID"] for each in await front.json("/jobs?expand")}
