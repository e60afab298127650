"""What must be known to nobody is in no file, no log and no answer, whatever was done with it.

One exception, where a job's whole `Content` is kept: what Orthanc itself puts there of a patient, as the query of a
C-MOVE.  It is in `{jobindex}:jobs`, in that member, and in the files of Redis; nowhere else.
"""

import json
from collections.abc import AsyncIterator
from importlib.util import find_spec

import aiohttp
import pytest
import pytest_asyncio
from caller import Caller, calling, eventually, finished

from jobindex.demo import dicom
from jobindex.demo.cluster import Cluster, Plan
from jobindex.demo.ports import LOOPBACK, free_port

from .canaries import ANEW, DISK, JOBS, Places, found, holds, jobs_without_content, keyspace, look
from .clusters import started
from .raw import line_to

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = {
    "a caller's password": "Canary-Password-5e1f",
    "a wrong password": "Canary-Wrong-77aa",
    "a token in a header": "Canary-Token-Header-0b2c",
    "a token in the query": "Canary-Token-Query-9d4e",
    "a bearer": "Canary-Bearer-31c6",
    "a token in what is no request": "Canary-Unreadable-c0de",
    "a peer's password": "Canary-Peer-Password-66f0",
    "a peer's header": "Canary-Peer-Header-d8a1",
    "what a stranger reports": "Canary-Forged-4b4b",
}
PATIENTS = {
    "a patient": "CANARYPATIENT",
    "a study": "CANARYSTUDY",
    "a new name": "CANARYNEWNAME",
    "a new id": "CANARYNEWID",
}
QUERIED = {"a patient that was asked for": "CANARYQUERIED"}
TOKENS = {"auth-token": SECRETS["a token in a header"]}
USER = "carol"
PEER = {
    "Url": "http://127.0.0.1:9/",
    "Username": "peer",
    "Password": SECRETS["a peer's password"],
    "HttpHeaders": {"Authorization": SECRETS["a peer's header"], "X-Api": SECRETS["a peer's header"]},
}
USERS = {"demo": "demo", USER: SECRETS["a caller's password"]}
SELF = "SELF"  # the Orthanc is its own modality, so that it can ask itself for a patient
SETTINGS = {
    "JOBINDEX_LOG_LEVEL": "debug",
    "JOBINDEX_TOKEN_HEADERS": '["auth-token"]',
    "JOBINDEX_TOKEN_ARGUMENTS": '["auth-token"]',
}
UNREADABLE_IS_NOT_REPEATED = find_spec("jobindex.web.connection") is not None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def used() -> AsyncIterator[Cluster]:
    """A cluster in which all of these words have been used."""
    port = free_port()
    dicom_server = {"DicomServerEnabled": True, "DicomPort": port, "DicomAet": SELF}
    modalities = {SELF: [SELF, LOOPBACK, port], "nowhere": ["NOWHERE", LOOPBACK, 9]}
    told = {"RegisteredUsers": USERS, "OrthancPeers": {"secret": PEER}, "DicomModalities": modalities, **dicom_server}
    plan = Plan(nodes=1, options=told, settings=SETTINGS, redis_options=("--appendonly", "yes"))
    async with started(plan) as cluster:
        urls = [f"{cluster.nginx.url}/orthanc", *(replica.public_url for replica in cluster.replicas.values())]
        jobs, unwanted = await _work(cluster, len(urls))
        for url, job in zip(urls, unwanted, strict=True):
            await _call(url, jobs, job)
        for replica in cluster.replicas.values():
            await _intrude(replica.public_port, replica.internal_url)
        yield cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def places(used: Cluster) -> Places:
    """Everywhere that was looked, once."""
    return await look(used)


async def _work(cluster: Cluster, unwanted: int) -> tuple[list[str], list[str]]:
    """Jobs of every kind, through their ends, in an Orthanc of their own; and so many that may be deleted."""
    async with calling(cluster.nodes["orthanc-a"].url, _login("a caller's password")) as orthanc:
        study = await _upload(orthanc, PATIENTS["a patient"])
        jobs = [
            await orthanc.archive(study),
            await orthanc.send("secret", study),
            await _order(orthanc, f"/studies/{study}/modify", Replace=_replaced(), Force=True),
            await _order(orthanc, f"/studies/{study}/anonymize", Replace=_replaced(), Force=True),
            await _order(orthanc, "/modalities/nowhere/store", Resources=[study]),
            await _retrieve(orthanc),
        ]
        more = [await orthanc.archive(study) for _ in range(unwanted)]
        for job in [*jobs, *more]:
            await finished(orthanc, job)
    return jobs, more


def _replaced() -> dict[str, str]:
    return {"PatientName": PATIENTS["a new name"], "PatientID": PATIENTS["a new id"], "StudyDescription": "CANARYSTUDY"}


async def _retrieve(orthanc: Caller) -> str:
    """A C-MOVE of what was found by a patient's id; its job shows the id."""
    (patient,) = QUERIED.values()
    await _upload(orthanc, patient)
    found = await orthanc.post(f"/modalities/{SELF}/query", {"Level": "Study", "Query": {"PatientID": patient}})
    return await _order(orthanc, f"/queries/{found['ID']}/retrieve", TargetAet=SELF)


async def _upload(orthanc: Caller, patient: str) -> str:
    for file in dicom.make_study(patient, 3, 64, PATIENTS["a study"]):
        _, told, _ = await orthanc.ask("POST", "/instances", data=file)
    return str(json.loads(told)["ParentStudy"])


async def _order(orthanc: Caller, path: str, **order: object) -> str:
    return str((await orthanc.post(path, {"Asynchronous": True, **order}))["ID"])


async def _call(url: str, jobs: list[str], unwanted: str) -> None:
    """As one who may, in every way, and as those who may not; from release 1.12.2 on the unwanted job is gone then."""
    async with calling(url, _login("a caller's password") | TOKENS) as caller:
        await eventually(lambda: _lists(caller, jobs))
        query = f"?expand&auth-token={SECRETS['a token in the query']}"
        for path in (f"/jobs{query}", "/job-index/nodes", "/nowhere" + query, f"/jobs/{jobs[0]}/archive{query}"):
            await caller.ask("GET", path)
        for job in jobs:
            await caller.ask("GET", f"/jobs/{job}{query}")
            await caller.ask("POST", f"/jobs/{job}/cancel{query}")
        await caller.ask("POST", f"/jobs/{jobs[1]}/resubmit{query}")
        await caller.ask("DELETE", f"/jobs/{unwanted}{query}")
    for headers in (_login("a wrong password"), {"Authorization": f"Bearer {SECRETS['a bearer']}"}):
        async with calling(url, headers) as stranger:
            assert (await stranger.ask("GET", f"/jobs{query}"))[0] == 401
            assert (await stranger.ask("POST", f"/jobs/{jobs[0]}/cancel"))[0] == 401


async def _lists(caller: Caller, jobs: list[str]) -> bool:
    return set(jobs) <= set(await caller.json("/jobs"))


async def _intrude(port: int, internal: str) -> None:
    """What is no request, and what is no report."""
    if UNREADABLE_IS_NOT_REPEATED:
        told = SECRETS["a token in what is no request"]
        async with line_to(port) as line:
            await line.ask(
                f"GET /jobs?token={told} HTTP/1.1\r\nHost: here\r\nAuthorization: {told}\x00\r\n\r\n".encode()
            )
    forged = SECRETS["what a stranger reports"]
    async with aiohttp.ClientSession() as session:
        signed = {"X-Job-Index-Time": "1", "X-Job-Index-Nonce": "a" * 32, "X-Job-Index-Signature": forged}
        for headers in ({}, signed):
            body = {
                "Incarnation": forged,
                "Taken": forged,
                "Jobs": [forged],
                "Register": {"Name": forged, "Url": forged},
            }
            async with session.post(f"{internal}/nodes/orthanc-a/report", json=body, headers=headers) as answer:
                assert answer.status == 401


def _login(name: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(USER, SECRETS[name])}


async def test_secrets_and_patients_are_nowhere(used: Cluster, places: Places) -> None:
    assert found(places, SECRETS | PATIENTS | {"the cluster's secret": used.secret}) == []


async def test_what_orthanc_says_of_a_patient_stays_in_the_content_of_its_job(used: Cluster, places: Places) -> None:
    (queried,) = QUERIED.values()
    async with calling(used.replicas["replica-1"].public_url, _login("a caller's password")) as caller:
        assert holds(json.dumps(await caller.json("/jobs?expand")).encode(), queried), "an authorised caller sees it"
    elsewhere = {place: told for place, told in places.items() if not _is_on_disk(place)}
    assert found(elsewhere, QUERIED) == []
    assert {key for key, told in (await keyspace(used)).items() if holds(told, queried)} == {JOBS}
    assert not holds(await jobs_without_content(used), queried)


def _is_on_disk(place: str) -> bool:
    return place.removesuffix(ANEW).endswith(DISK)


async def test_the_search_finds_what_is_there(places: Places) -> None:
    hits = found(places, {"node": "orthanc-a", "path": "/orthanc/jobs"})
    for ending in (".aof", ".rdb" + ANEW, "replica-1.log", "replica-2.log", "/nodes"):
        assert [hit for hit in hits if hit.startswith("node in") and hit.endswith(ending)], ending
    assert "path in access.log" in hits


@pytest.mark.parametrize("user", ["a", "ab", "abc", "abcd"])
async def test_the_search_finds_a_password_in_a_login(user: str) -> None:
    password = SECRETS["a caller's password"]
    assert holds(aiohttp.encode_basic_auth(user, password).encode(), password)
