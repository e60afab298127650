"""`GET /jobs` for the whole cluster: Orthanc's arguments and one more, and tags that never lie."""

from typing import Any

import orjson
import pytest

from ...builders import job_id
from ..scripted_orthanc import LOGIN, ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on


@pytest.fixture
async def listed(replica: Replica) -> Replica:
    """One job of each state, on two nodes."""
    await replica.report("a", job(1, "Pending"), job(2, "Running"), job(3, "Success"))
    await replica.report("b", job(4, "Failure"), job(5, "Paused"), job(6, "Retry"))
    return replica


def numbers(found: Any) -> list[int]:
    """Of ids, or of job objects."""
    return [int((each if isinstance(each, str) else each["ID"])[:8], 16) for each in found]


@pytest.mark.parametrize("argument", ["", "?expand=0", "?expand=false", "?other=1", "?Expand"])
async def test_ids_of_all_nodes_are_listed_sorted(listed: Replica, argument: str) -> None:
    answer = await listed.get(f"/jobs{argument}")
    assert answer.json == [job_id(number) for number in range(1, 7)]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("argument", ["expand", "expand=", "expand=1", "expand=true", "expand=0&expand"])
async def test_jobs_of_all_nodes_are_expanded(listed: Replica, argument: str) -> None:
    found = (await listed.get(f"/jobs?{argument}")).json
    assert numbers(found) == [1, 2, 3, 4, 5, 6]
    assert [each["JobIndex"]["Node"] for each in found] == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize("value", ["foo", "True", "2", "yes"])
async def test_another_value_of_expand_is_refused_in_orthanc_s_words(listed: Replica, value: str) -> None:
    answer = await listed.get(f"/jobs?expand={value}")
    assert (answer.status, answer.json["OrthancStatus"]) == (400, 3)
    assert answer.json["Details"] == f'Expected a Boolean for GET argument "expand", found: {value}'


@pytest.mark.parametrize(
    ("argument", "chosen"),
    [
        ("status=Success", [3]),
        ("status=success", [3]),
        ("status=SUCCESS,FAILURE", [3, 4]),
        ("status=Success&status=failure", [3, 4]),
        ("status=Pending,%20Running&status=Retry", [1, 2, 6]),
        ("status=paused&expand", [5]),
        ("expand&status=running%2Cpaused", [2, 5]),
    ],
)
async def test_only_the_states_that_are_asked_for_are_listed(listed: Replica, argument: str, chosen: list[int]) -> None:
    assert numbers((await listed.get(f"/jobs?{argument}")).json) == chosen


@pytest.mark.parametrize(
    ("argument", "chosen"),
    [
        ("limit=2", [1, 2]),
        ("since=4&limit=10", [5, 6]),
        ("limit=0", [1, 2, 3, 4, 5, 6]),
        ("since=5", [6]),
        ("since=6", []),
        ("expand&status=Success,Failure&since=1&limit=1", [4]),
    ],
)
async def test_the_list_comes_in_pages(listed: Replica, argument: str, chosen: list[int]) -> None:
    assert numbers((await listed.get(f"/jobs?{argument}")).json) == chosen


@pytest.mark.parametrize("value", ["Lost", "Success,Done", "all", "x" * 3000])
async def test_an_unknown_state_is_refused_in_orthanc_s_form(listed: Replica, value: str) -> None:
    answer = await listed.get(f"/jobs?status={value}")
    assert (answer.status, answer.json["OrthancStatus"], answer.json["Uri"]) == (400, 3, "/jobs")


@pytest.mark.parametrize("arguments", ["status=", "status=&expand", "expand&status=,", "status=,&limit=0"])
async def test_in_use_a_status_with_nothing_in_it_lists_all_jobs(listed: Replica, arguments: str) -> None:
    plain = "/jobs?expand" if "expand" in arguments else "/jobs"
    answer = await listed.get(f"/jobs?{arguments}")
    assert (answer.status, answer.body) == (200, (await listed.get(plain)).body)


async def test_what_has_not_changed_is_not_sent_again(listed: Replica) -> None:
    first = await listed.get("/jobs?expand")
    again = await listed.get("/jobs?expand", {**LOGIN, "If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


async def test_a_tag_counts_only_until_something_changes(listed: Replica) -> None:
    tag = (await listed.get("/jobs?expand")).headers["ETag"]
    await listed.report("a", job(2, "Success", at=1))
    answer = await listed.get("/jobs?expand", {**LOGIN, "If-None-Match": tag})
    assert (answer.status, answer.headers["ETag"] == tag) == (200, False)


async def test_a_tag_counts_only_for_its_question(listed: Replica) -> None:
    tag = (await listed.get("/jobs?status=Success")).headers["ETag"]
    assert (await listed.get("/jobs?status=Failure", {**LOGIN, "If-None-Match": tag})).status == 200


async def test_whoever_may_not_list_learns_nothing_from_a_tag(listed: Replica) -> None:
    tag = (await listed.get("/jobs")).headers["ETag"]
    assert (await listed.get("/jobs", {"If-None-Match": tag})).status == 401


async def test_a_caller_whose_right_was_revoked_is_refused_once_the_yes_is_over(
    listed: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """The yes lasts ten seconds, but a refusal of any kind ends it; any of the Orthancs may be asked."""
    assert (await listed.get("/jobs")).status == 200
    for path in ("/jobs", f"/jobs/{job_id(1)}"):
        orthanc.tell(path, status=403)
        other.tell(path, status=403)
    assert (await listed.get(f"/jobs/{job_id(1)}")).status == 403
    assert (await listed.get("/jobs")).status == 403


async def test_one_who_lists_after_a_report_was_acknowledged_sees_it(replica: Replica, redis_url: str) -> None:
    async with replica_on(redis_url) as second:
        for number in range(20):
            await replica.report("a", job(number))
            assert len((await second.get("/jobs")).json) == number + 1


async def test_with_no_cache_the_nodes_are_asked_first(
    replica: Replica, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.WITHIN", 5.0)
    orthanc.tell("/jobs", orjson.dumps([job_id(1)]))
    orthanc.tell_job(job_id(1), job(1))
    assert (await replica.get("/jobs")).json == []
    assert (await replica.get("/jobs", {**LOGIN, "Cache-Control": "no-cache"})).json == [job_id(1)]
    assert (await replica.get("/jobs")).json == [job_id(1)]


async def test_a_setting_makes_that_the_default(
    redis_url: str, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.refresh.WITHIN", 5.0)
    orthanc.tell("/jobs", orjson.dumps([job_id(1)]))
    orthanc.tell_job(job_id(1), job(1))
    async with replica_on(redis_url, always_refresh=True) as replica:
        await replica.report("a", at=orthanc)

        async def knows_whom_to_ask() -> bool:
            return (await replica.get("/job-index/nodes")).status == 200

        await until(knows_whom_to_ask)
        assert (await replica.get("/jobs")).json == [job_id(1)]


async def test_whoever_may_not_list_does_not_make_the_nodes_be_asked(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await replica.get("/jobs", {"Cache-Control": "no-cache"})
    assert [(each.method, each.path) for each in orthanc.asked + other.asked] == [("GET", "/jobs")] * 2


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_who_takes_a_coding_gets_it_with_a_tag_of_its_own(listed: Replica, coding: str) -> None:
    plain = await listed.get("/jobs?expand")
    coded = await listed.get("/jobs?expand", {**LOGIN, "Accept-Encoding": coding})
    assert ("Content-Encoding" in plain.headers, coded.headers["Content-Encoding"]) == (False, coding)
    assert coded.json == plain.json
    assert coded.headers["ETag"] != plain.headers["ETag"]
    assert coded.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_either_tag_spares_one_who_takes_a_coding_the_body(listed: Replica, coding: str) -> None:
    for encoding in ("identity", coding):
        tag = (await listed.get("/jobs?expand", {**LOGIN, "Accept-Encoding": encoding})).headers["ETag"]
        answer = await listed.get("/jobs?expand", {**LOGIN, "Accept-Encoding": coding, "If-None-Match": tag})
        assert (answer.status, answer.headers["ETag"]) == (304, tag)


async def test_zstd_is_preferred(listed: Replica) -> None:
    answer = await listed.get("/jobs?expand", {**LOGIN, "Accept-Encoding": "gzip, deflate, br, zstd"})
    assert answer.headers["Content-Encoding"] == "zstd"


async def test_a_tag_of_gzip_does_not_stand_for_the_plain_body(listed: Replica) -> None:
    tag = (await listed.get("/jobs?expand", {**LOGIN, "Accept-Encoding": "gzip"})).headers["ETag"]
    assert (await listed.get("/jobs?expand", {**LOGIN, "If-None-Match": tag})).status == 200
