"""Where nothing may be kept that speaks of patients, nothing is: neither in Redis nor in an answer."""

from redis.asyncio import Redis

from jobindex.store import keys

from ...builders import job_id
from ..scripted_orthanc import LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

PATIENT = "PATIENT-CANARY"
FULL = {
    "Content": {"Description": PATIENT, "Query": [{"PatientName": PATIENT}]},
    "ErrorDetails": PATIENT,
    "UserData": {"AuditLogsUserId": PATIENT},
}


async def stored(redis: Redis) -> bytes:
    """The texts of all jobs, and the bytes of every key as Redis would write them to its disk."""
    texts = (await redis.hgetall(keys.key(keys.JOBS))).values()
    return b"".join([*texts, *[await redis.dump(name) for name in await redis.keys()]])


async def shown(replica: Replica) -> bool:
    return (await replica.get("/jobs")).body == f'["{job_id(1)}"]'.encode()


async def test_no_way_in_and_no_answer_brings_content(redis_url: str, redis: Redis, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell_job(job_id(1), job(1, at=1, **FULL))
    orthanc.tell("/jobs", f'["{job_id(1)}"]'.encode())
    orthanc.tell(f"/jobs/{job_id(1)}/pause", b"{}", method="POST")
    async with replica_on(redis_url, content="minimal") as replica:
        await replica.report("a", job(1, **FULL), at=orthanc)
        await until(lambda: shown(replica))
        answers = [
            await replica.get("/jobs?expand"),
            await replica.get(f"/jobs/{job_id(1)}"),
            await replica.get("/jobs?expand", {**LOGIN, "Cache-Control": "no-cache"}),
            await replica.ask("POST", f"/jobs/{job_id(1)}/pause"),
        ]
        assert [answer.status for answer in answers] == [200] * 4
        assert answers[1].json["Content"] == {}
        assert PATIENT.encode() not in b"".join(answer.body for answer in answers)
        assert PATIENT.encode() not in await stored(redis)


async def test_what_others_have_kept_is_not_shown(redis_url: str, redis: Redis, orthanc: ScriptedOrthanc) -> None:
    async with replica_on(redis_url) as full:
        await full.report("a", job(1, "Success", **FULL), job(2, **FULL), at=orthanc)
    async with replica_on(redis_url, content="minimal") as replica:
        assert (await replica.get("/jobs?expand")).json[0]["Content"] == {}
        assert PATIENT.encode() in await stored(redis)
        await replica.report("a", job(1, "Success", at=1, **FULL), job(2, at=1, **FULL))
        assert PATIENT.encode() not in await stored(redis), "each report reduces what it brings"
