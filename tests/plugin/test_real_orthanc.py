"""A real Orthanc with the plugin: what its events say arrives, whatever it forgets, however it is set up.

Of another root's Orthanc where `JOBINDEX_TEST_ROOT` names one.
"""

import asyncio
import json
import math
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jobindex.demo.dicom import make_study
from jobindex.demo.installed import NotInstalled, orthanc_command, orthanc_python
from jobindex.demo.ports import free_ports
from jobindex.demo.probes import listens
from jobindex.demo.process import Process

from ..unit.orthanc.authority import Authority
from .conftest import PLUGIN, until
from .scripted_service import SECRET, ScriptedService

JOBS = 300
FINAL = ("JobSuccess", "JobFailure", "Success", "Failure")
LATE_S = 14.0  # seconds without a report after which a node is late
THREADS = 8
STOP_DIFFERENCE_S = 0.3
FAREWELL_S = 0.4
IDLE = "import orthanc\northanc.RegisterOnChangeCallback(lambda change, level, resource: None)\n"
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Real:
    """An Orthanc: its process, and a session with it whose one connection is kept."""

    process: Process
    port: int
    session: aiohttp.ClientSession


def configuration(folder: Path, port: int, service: ScriptedService | None, options: dict[str, Any]) -> Path:
    """An Orthanc that keeps ten finished jobs, as is usual; without a service it has no plugin."""
    section = options.pop("JobIndex", {})
    plugin = {
        "Plugins": [str(orthanc_python())],
        "PythonScript": str(PLUGIN),
        "JobIndex": {"Urls": [service.url], "Secret": SECRET, **section} if service else {},
    }
    told = {
        "Name": "real",
        "HttpPort": port,
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "JobsHistorySize": 10,
        "SaveJobs": False,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": False,
        **(plugin if service else {}),
        **options,
    }
    folder.mkdir(parents=True)
    path = folder / "orthanc.json"
    path.write_text(json.dumps(told))
    return path


@asynccontextmanager
async def running(folder: Path, service: ScriptedService | None, **options: Any) -> AsyncIterator[Real]:
    """With it; where none is installed, skipped at home and failed in CI."""
    (port,) = free_ports(1)
    tls, login = options.pop("client", None), options.pop("login", None)
    try:
        command = orthanc_command(configuration(folder, port, service, options))
    except NotInstalled as missing:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))

    async def ready() -> bool:
        return await listens("127.0.0.1", port)

    environment = ENVIRONMENT | ({"LD_LIBRARY_PATH": TLS_LIBRARIES} if tls else {})
    process = Process("orthanc", command, folder / "orthanc.log", ready, environment)
    await process.start()
    try:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        connector = aiohttp.TCPConnector(limit=1, ssl=tls or True)
        headers = {"Authorization": aiohttp.encode_basic_auth(*login)} if login else {}
        async with aiohttp.ClientSession(url, connector=connector, headers=headers) as session:
            yield Real(process, port, session)
    finally:
        await process.stop()


TLS_LIBRARIES = os.environ.get("JOBINDEX_TEST_TLS_LIBRARIES", "")
speaks_tls = pytest.mark.skipif(
    not TLS_LIBRARIES,
    reason="HTTPS by itself is not to be used with Debian's Orthanc; JOBINDEX_TEST_TLS_LIBRARIES names a folder of "
    "libraries with which it is",
)


@pytest.fixture
async def orthanc(service: ScriptedService, tmp_path: Path) -> AsyncIterator[Real]:
    async with running(tmp_path / "orthanc", service) as real:
        yield real


async def submit(real: Real, study: str) -> str:
    async with real.session.post(f"/studies/{study}/archive", json={"Asynchronous": True}) as answer:
        job: str = (await answer.json())["ID"]
        return job


async def upload(real: Real) -> str:
    (file,) = make_study("Nobody", 1, 64)
    async with real.session.post("/instances", data=file) as answer:
        study: str = (await answer.json())["ParentStudy"]
        return study


def ended(service: ScriptedService) -> set[str]:
    """The jobs whose end was told, by their text or by Orthanc's event."""
    told = [(job["ID"], job["State"]) for job in service.jobs()] + service.events()
    return {job for job, word in told if word in FINAL}


async def run_jobs(real: Real, service: ScriptedService, count: int, every: float = 0.0) -> set[str]:
    """Submit so many, one each so many seconds, and wait until their ends are told; nothing else was."""
    study = await upload(real)
    jobs = set()
    for _ in range(count):
        jobs.add(await submit(real, study))
        await asyncio.sleep(every)
    await asyncio.to_thread(until, lambda: jobs <= ended(service), "the end of all jobs")
    assert ended(service) == jobs
    return jobs


def longest_silence(service: ScriptedService) -> float:
    return max(after - before for before, after in zip(service.times, service.times[1:], strict=False))


def unread(service: ScriptedService) -> list[str]:
    return [report["CannotRead"] for report in service.taken if "CannotRead" in report]


async def test_no_end_is_missed_with_a_short_history(orthanc: Real, service: ScriptedService) -> None:
    await run_jobs(orthanc, service, JOBS)
    assert unread(service) == []


async def test_a_reset_is_a_new_incarnation(
    orthanc: Real, service: ScriptedService, make_service: Callable[[], ScriptedService]
) -> None:
    await asyncio.to_thread(until, service.complete, "the first complete report")
    async with orthanc.session.post("/tools/reset"):
        await asyncio.to_thread(until, lambda: len(service.registrations()) == 2, "a second registration")
    first, second = service.registrations()
    assert first["Incarnation"] != second["Incarnation"]
    assert [report["Incarnation"] for report in service.taken if report.get("Goodbye")] == [first["Incarnation"]]


@dataclass
class SlowUploads:
    """Uploads that go on and on: each holds one of Orthanc's threads."""

    port: int
    streams: list[asyncio.StreamWriter] = field(default_factory=list)

    async def begin(self, count: int) -> None:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            self.streams.append(writer)

    async def go_on(self) -> None:
        while True:
            for writer in self.streams:
                writer.write(b"x")
            await asyncio.sleep(0.5)

    def end(self) -> None:
        for writer in self.streams:
            writer.close()


async def is_answered(port: int) -> bool:
    """Whether somebody who comes now is, within five seconds."""
    await asyncio.sleep(1)  # an idle connection of before is closed by then
    url, patience = f"http://127.0.0.1:{port}/system", aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.request("GET", url, timeout=patience) as answer:
            return answer.status == 200
    except TimeoutError:
        return False


@pytest.mark.parametrize("seconds", [60 if os.environ.get("FAULT") == "all" else 16])
async def test_plugin_it_reads_on_while_uploads_hold_all_threads(
    tmp_path: Path, service: ScriptedService, seconds: int
) -> None:
    """One thread is the plugin's, one who submits, all others are held; longer than until a node is late."""
    async with running(tmp_path / "orthanc", service, HttpThreadsCount=THREADS) as real:
        await asyncio.to_thread(until, service.complete, "a complete report")
        await upload(real)
        uploads = SlowUploads(real.port)
        await uploads.begin(THREADS - 2)
        trickle = asyncio.create_task(uploads.go_on())
        try:
            began, count = time.monotonic(), JOBS * seconds // 60
            others = asyncio.create_task(is_answered(real.port))
            await run_jobs(real, service, count, every=seconds / count)
            assert time.monotonic() - began >= seconds
            assert not await others, "a thread was left"
        finally:
            trickle.cancel()
            uploads.end()
    assert unread(service) == []
    assert longest_silence(service) < LATE_S / 2


async def test_plugin_it_reads_without_keep_alive(tmp_path: Path, service: ScriptedService) -> None:
    async with running(tmp_path / "orthanc", service, KeepAlive=False) as real:
        await run_jobs(real, service, JOBS)
    assert unread(service) == []


async def test_plugin_it_reads_where_only_this_machine_is_let_in(tmp_path: Path, service: ScriptedService) -> None:
    options = {"RemoteAccessAllowed": False, "AuthenticationEnabled": True, "RegisteredUsers": {"a": "b"}}
    async with running(tmp_path / "orthanc", service, login=("a", "b"), **options) as real:
        await run_jobs(real, service, JOBS)
    assert unread(service) == []


def trusting(authority: Authority, *, shown: bool) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str(authority.file))
    if shown:
        tls.load_cert_chain(authority.certificate("caller"))
    return tls


@speaks_tls
@pytest.mark.parametrize("peers", [False, True])
async def test_plugin_it_reads_over_tls(tmp_path: Path, service: ScriptedService, peers: bool) -> None:
    authority = Authority(tmp_path)
    options: dict[str, Any] = {
        "SslEnabled": True,
        "SslCertificate": str(authority.certificate("127.0.0.1")),
        "SslVerifyPeers": peers,
        "SslTrustedClientCertificates": str(authority.file),
        "JobIndex": {"CertificateFile": str(authority.certificate("plugin"))} if peers else {},
        "client": trusting(authority, shown=peers),
    }
    async with running(tmp_path / "orthanc", service, **options) as real:
        await run_jobs(real, service, JOBS)
    assert unread(service) == []


async def stopping(real: Real) -> float:
    """Seconds from SIGTERM until the process has ended."""
    await real.session.close()  # Orthanc waits for idle connections
    began = time.monotonic()
    await real.process.stop()
    return time.monotonic() - began


async def slower_to_stop(folder: Path, service: ScriptedService, *, hangs: bool) -> float:
    """Seconds that an Orthanc takes longer to stop than with a script that does nothing; both in the midst of jobs."""
    complete = len(service.complete())
    other = {"Plugins": [str(orthanc_python())], "PythonScript": str(folder.with_suffix(".py"))}
    folder.with_suffix(".py").write_text(IDLE)
    async with running(folder / "with", service) as with_it, running(folder / "without", None, **other) as without:
        await asyncio.to_thread(until, lambda: len(service.complete()) > complete, "a complete report")
        for real in (with_it, without):
            study = await upload(real)
            for _ in range(20):
                await submit(real, study)
        if hangs:
            service.hang()
            await asyncio.to_thread(until, service.knocked.is_set, "a report that is not answered")
        took = await asyncio.gather(stopping(with_it), stopping(without))
        service.free.set()
    return took[0] - took[1]


@pytest.mark.parametrize("hangs", [False, True])
async def test_plugin_orthanc_stops_as_soon_as_without_it(
    tmp_path: Path, service: ScriptedService, hangs: bool
) -> None:
    """Also while the service doesn't answer, which may cost the goodbye's time; the best of three."""
    bound, slower = STOP_DIFFERENCE_S + (FAREWELL_S if hangs else 0.0), [math.inf]
    while min(slower) >= bound and len(slower) <= 3:
        slower.append(await slower_to_stop(tmp_path / str(len(slower)), service, hangs=hangs))
    assert min(slower) < bound, slower
