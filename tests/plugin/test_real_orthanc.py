"""A real Orthanc with the plugin: what its events say arrives, whatever it forgets."""

import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from jobindex.demo.dicom import make_study
from jobindex.demo.installed import NotInstalled, orthanc_command, orthanc_python
from jobindex.demo.ports import free_ports
from jobindex.demo.probes import listens
from jobindex.demo.process import Process

from .conftest import PLUGIN, until
from .scripted_service import SECRET, ScriptedService

JOBS = 300
FINAL = ("JobSuccess", "JobFailure", "Success", "Failure")


def write_configuration(folder: Path, port: int, service: ScriptedService) -> Path:
    """An Orthanc that keeps ten finished jobs, as is usual."""
    places = {"HttpPort": port, "StorageDirectory": str(folder), "IndexDirectory": str(folder)}
    path = folder / "orthanc.json"
    told = {
        **places,
        "Name": "real",
        "JobsHistorySize": 10,
        "SaveJobs": False,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(orthanc_python())],
        "PythonScript": str(PLUGIN),
        "JobIndex": {"Urls": [service.url], "Secret": SECRET},
    }
    path.write_text(json.dumps(told))
    return path


@pytest.fixture
async def orthanc(service: ScriptedService, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with it; where none is installed, skipped at home and failed in CI."""
    (port,) = free_ports(1)
    try:
        command = orthanc_command(write_configuration(tmp_path, port, service))
    except NotInstalled as missing:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))

    async def ready() -> bool:
        return await listens("127.0.0.1", port)

    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    process = Process("orthanc", command, tmp_path / "orthanc.log", ready, environment)
    await process.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session
    finally:
        await process.stop()


async def submit(orthanc: aiohttp.ClientSession, study: str) -> str:
    async with orthanc.post(f"/studies/{study}/archive", json={"Asynchronous": True}) as answer:
        job: str = (await answer.json())["ID"]
        return job


async def upload(orthanc: aiohttp.ClientSession) -> str:
    (file,) = make_study("Nobody", 1, 64)
    async with orthanc.post("/instances", data=file) as answer:
        study: str = (await answer.json())["ParentStudy"]
        return study


def ended(service: ScriptedService) -> set[str]:
    """The jobs whose end was told, by their text or by Orthanc's event."""
    told = [(job["ID"], job["State"]) for job in service.jobs()] + service.events()
    return {job for job, word in told if word in FINAL}


async def test_no_end_is_missed_with_a_short_history(orthanc: aiohttp.ClientSession, service: ScriptedService) -> None:
    study = await upload(orthanc)
    jobs = {await submit(orthanc, study) for _ in range(JOBS)}
    until(lambda: jobs <= ended(service), "the end of all jobs")
    assert ended(service) == jobs


async def test_a_reset_is_a_new_incarnation(
    orthanc: aiohttp.ClientSession, service: ScriptedService, make_service: Callable[[], ScriptedService]
) -> None:
    until(service.complete, "the first complete report")
    async with orthanc.post("/tools/reset"):
        until(lambda: len(service.registrations()) == 2, "a second registration")
    first, second = service.registrations()
    assert first["Incarnation"] != second["Incarnation"]
    assert [report["Incarnation"] for report in service.taken if report.get("Goodbye")] == [first["Incarnation"]]
