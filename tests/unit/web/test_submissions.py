"""Around a submission that nginx tells of, lists ask the nodes first, on any replica; at other times they don't."""

import asyncio
import json
import secrets
from collections.abc import Mapping

import pytest
from redis.asyncio import Redis

from jobindex.store import submissions
from jobindex.store.changes import Changes, Standing

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, Reply, replica_on

TTL = "{jobindex}:submitting"


def unreported(orthanc: ScriptedOrthanc, number: int = 1) -> None:
    """The Orthanc has a job that it has not reported yet."""
    orthanc.tell("/jobs", json.dumps([job_id(number)]).encode())
    orthanc.tell_job(job_id(number), job(number))


async def tell(
    replica: Replica, event: str, name: str = "a" * 32, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> Reply:
    """As nginx does."""
    return await replica.ask(method, f"/job-index/submissions/{name}/{event}", headers or {})


async def test_without_a_submission_no_list_asks_a_node_for_its_jobs(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await replica.get("/jobs")
    asked = sum(each.count("GET", "/jobs") for each in (orthanc, other))
    for _ in range(10):
        await replica.get("/jobs")
    assert sum(each.count("GET", "/jobs") for each in (orthanc, other)) == asked


async def test_a_second_after_the_end_no_list_asks_any_more(
    replica: Replica, orthanc: ScriptedOrthanc, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.freshness.EXPECTS_S", 0.1)
    await tell(replica, "began")
    assert submissions.LINGERS_MS < await redis.pttl(TTL) <= submissions.COUNTS_MS
    await tell(replica, "ended")
    assert 0 < await redis.pttl(TTL) <= submissions.LINGERS_MS

    async def over() -> bool:
        return not await redis.exists(TTL)

    await until(over)
    unreported(orthanc)
    assert (await replica.get("/jobs")).json == []


async def test_one_that_is_under_way_counts_although_another_has_ended(replica: Replica, redis: Redis) -> None:
    await tell(replica, "began", "a" * 32)
    await tell(replica, "began", "b" * 32)
    await tell(replica, "ended", "a" * 32)
    assert await redis.pttl(TTL) > submissions.LINGERS_MS


async def test_a_beginning_that_comes_after_the_end_counts_no_longer_than_that(replica: Replica, redis: Redis) -> None:
    await tell(replica, "ended")
    await tell(replica, "began")
    assert 0 < await redis.pttl(TTL) <= submissions.LINGERS_MS


async def test_there_is_room_for_so_many_and_those_that_ended_make_room(
    replica: Replica, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "MAX_KEPT", 3)
    monkeypatch.setattr(submissions, "LINGERS_MS", 1)
    names = [secrets.token_hex(16) for _ in range(6)]
    for name in names:
        assert (await tell(replica, "began", name)).status == 204
    assert await redis.zcard("{jobindex}:submissions") == 3
    for name in names:
        await tell(replica, "ended", name)

    async def over() -> bool:
        return not await redis.exists(TTL)

    await until(over)
    await tell(replica, "began", "f" * 32)
    assert await redis.zcard("{jobindex}:submissions") <= 3
    assert await redis.pttl(TTL) > 1000


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("order", [("began", "ended"), ("ended", "began")])
async def test_bounds_one_that_its_orthanc_refused_counts_no_more(
    replica: Replica, orthanc: ScriptedOrthanc, redis: Redis, order: tuple[str, str], status: str
) -> None:
    """In whatever order the two arrive, and though it comes again and again."""
    unreported(orthanc)
    for name in ("a" * 32, "b" * 32, "c" * 32):
        for event in order:
            assert (await tell(replica, f"ended/{status}" if event == "ended" else event, name)).status == 204
        assert not await redis.exists(TTL)
        assert (await replica.get("/jobs")).json == []
    assert 0 < await redis.pttl("{jobindex}:submissions") <= 60_000


@pytest.mark.parametrize("status", ["200", "400", "404", "500", "504", "000"])
async def test_read_your_writes_any_other_end_counts_for_its_second(
    replica: Replica, orthanc: ScriptedOrthanc, redis: Redis, status: str
) -> None:
    """Orthanc's error may be that of a job that was waited for."""
    await tell(replica, "began")
    assert (await tell(replica, f"ended/{status}")).status == 204
    assert 0 < await redis.pttl(TTL) <= submissions.LINGERS_MS


async def test_bounds_a_refused_one_takes_nothing_from_another(replica: Replica, redis: Redis) -> None:
    await tell(replica, "began", "a" * 32)
    await tell(replica, "began", "b" * 32)
    await tell(replica, "ended/401", "b" * 32)
    assert await redis.pttl(TTL) > submissions.LINGERS_MS


async def test_bounds_a_beginning_whose_end_is_never_told_counts_for_a_minute(replica: Replica, redis: Redis) -> None:
    """As those of an nginx that was killed."""
    await tell(replica, "began")
    assert 0 < await redis.pttl(TTL) <= 60_000


async def test_read_your_writes_what_the_index_was_asked_before_a_beginning_tells_nothing_of_it(
    replica: Replica, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that began before it, and whose question was answered after it."""
    asked, go_on, standing = asyncio.Event(), asyncio.Event(), Changes.standing

    async def late(changes: Changes) -> Standing:
        found = await standing(changes)
        asked.set()
        await go_on.wait()
        return found

    monkeypatch.setattr("jobindex.service.freshness.ANSWERS", 5.0)
    monkeypatch.setattr(Changes, "standing", late)
    listing = asyncio.create_task(replica.get("/jobs"))
    await asked.wait()
    unreported(orthanc)
    await tell(replica, "began")
    go_on.set()
    assert (await listing).json == [job_id(1)]


@pytest.mark.parametrize(
    "told",
    [
        {"headers": {"X-Forwarded-For": "10.1.1.1"}},
        {"headers": {"Forwarded": "for=10.1.1.1"}},
        {"name": "A" * 32},
        {"name": "a" * 31},
        {"name": "%61" + "a" * 31},
        {"event": "begun"},
        {"event": "began?x"},
        {"event": "began/200"},
        {"event": "ended/"},
        {"event": "ended/1"},
        {"event": "ended/2000"},
        {"event": "ended/200/"},
        {"method": "GET"},
        {"method": "DELETE"},
    ],
)
async def test_whom_a_proxy_lets_through_can_not_tell(
    replica: Replica, redis: Redis, told: dict[str, str | dict[str, str]]
) -> None:
    answer = await tell(replica, **{"event": "began", **told})  # type: ignore[arg-type]  # names and values match
    assert answer.status in (401, 404, 405)
    assert not await redis.exists(TTL)


async def test_who_is_no_proxy_can_not_tell_and_is_named_once(
    index_url: str, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async with replica_on(index_url, proxies=("10.0.0.0/8",)) as replica:
        for _ in range(3):
            assert (await tell(replica, "began")).status == 403
    assert not await redis.exists(TTL)
    named = [each for each in caplog.messages if "JOBINDEX_PROXIES" in each]
    assert len(named) == 1


async def test_a_replica_that_only_lists_is_told_too(index_url: str, redis: Redis) -> None:
    async with replica_on(index_url, read_only=True) as replica:
        assert (await tell(replica, "began")).status == 204
    assert await redis.exists(TTL)


async def test_one_that_trusts_a_proxy_is_told_too_without_any_user(index_url: str, redis: Redis) -> None:
    async with replica_on(index_url, callers="trust", proxies=("127.0.0.0/8",)) as replica:
        assert (await tell(replica, "began")).status == 204
    assert await redis.exists(TTL)


async def test_a_notice_asks_no_orthanc_and_is_in_no_trail(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    await tell(replica, "began")
    assert (orthanc.asked, other.asked, capsys.readouterr().out) == ([], [], "")


async def test_a_replica_that_was_told_does_not_wait_for_redis(
    replica: Replica, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, asked = asyncio.Event(), asyncio.Event()

    async def late(self: object, notices: object) -> None:
        asked.set()
        await taken.wait()

    monkeypatch.setattr(submissions.Submissions, "note", late)
    telling = asyncio.create_task(tell(replica, "began"))
    await asked.wait()
    unreported(orthanc)
    assert (await replica.get("/jobs")).json == [job_id(1)]
    taken.set()
    assert (await telling).status == 204
