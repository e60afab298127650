"""A list that is larger than what is kept is sent in pieces, and others are answered meanwhile."""

import asyncio
import gzip
import time
from statistics import median

import aiohttp
import orjson
import pytest

from ..scripted_orthanc import LOGIN
from ..waiting import until
from ..words import job
from .replica import Replica

COUNT, SIZE = 100, 800_000
"""80 MB."""


@pytest.fixture
async def large(replica: Replica) -> Replica:
    """Its list is larger than what is kept."""
    for number in range(COUNT):
        each = job(number, "Success", Content={"Resources": "x" * SIZE})
        assert (await replica.report("a", each)).status == 200
    assert len((await replica.get("/jobs")).json) == COUNT
    return replica


async def test_bounds_a_list_beyond_the_cache_comes_whole_and_lets_others_pass(large: Replica) -> None:
    whole = asyncio.create_task(large.get("/jobs?expand"))
    others = []
    while not whole.done():
        began = time.perf_counter()
        assert (await large.get("/jobs?limit=1")).status == 200
        others.append(time.perf_counter() - began)
    answer = await whole
    assert len(orjson.loads(answer.body)) == COUNT
    assert answer.headers.get("Transfer-Encoding") == "chunked"
    assert len(others) >= 5


async def test_bounds_a_list_beyond_the_cache_has_a_tag_that_saves_sending_it(large: Replica) -> None:
    tag = (await large.get("/jobs?expand")).headers["ETag"]
    took = []
    for _ in range(10):
        began = time.perf_counter()
        assert (await large.get("/jobs?expand", {**LOGIN, "If-None-Match": tag})).status == 304
        took.append(time.perf_counter() - began)
    assert median(took) < 0.02
    assert (await large.report("a", job(1, "Success", 1.0))).status == 200
    assert (await large.get("/jobs?expand&limit=1", {**LOGIN, "If-None-Match": tag})).status == 200


async def test_a_list_beyond_the_cache_is_sent_as_it_is_to_who_takes_gzip(large: Replica) -> None:
    answer = await large.get("/jobs?expand", {**LOGIN, "Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert len(orjson.loads(answer.body)) == COUNT
    ids = await large.get("/jobs", {**LOGIN, "Accept-Encoding": "gzip"})
    assert len(orjson.loads(gzip.decompress(ids.body) if ids.body[:1] != b"[" else ids.body)) == COUNT


async def test_bounds_polls_of_a_list_beyond_the_cache_are_answered_each_time(large: Replica) -> None:
    for _ in range(4):
        answer = await large.get("/jobs?expand&status=Success")
        assert (answer.status, len(orjson.loads(answer.body))) == (200, COUNT)


async def test_bounds_a_streamed_list_that_is_cut_never_looks_whole(
    large: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads so slowly that too much changes meanwhile is cut off, as the index was can't be told any more."""
    monkeypatch.setattr("jobindex.service.snapshot_read.MAX_KEPT_BYTES", SIZE)
    async with large.session.get(f"{large.public}/jobs?expand", headers=LOGIN) as answer:
        assert answer.status == 200
        await answer.content.readany()
        for number in range(COUNT - 5, COUNT):
            moved = job(number, "Success", 1.0, Content={"Resources": "y" * SIZE})
            assert (await large.report("a", moved)).status == 200
        await until_shown(large, COUNT - 1)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def until_shown(replica: Replica, number: int) -> None:
    async def shown() -> bool:
        return b"yyyy" in (await replica.get(f"/jobs?expand&limit=1&since={number}")).body

    await until(shown)
