"""What a polled node says again is passed over only while the view shows it."""

import pytest

from jobindex.model.job_list import at_a_glance
from jobindex.model.node import Node
from jobindex.model.record import HELD, Record
from jobindex.service.poll_cache import PollCache
from jobindex.store.jobs import Stored

from ...builders import job_id, job_text, stamp

NODE = Node(name="n", url="http://n", incarnation="i")


def shown(at: float, incarnation: str = "i", mark: str = HELD) -> Stored:
    return Stored(job_id(1), b"", Record("n", incarnation, 0, stamp(at), "Running", mark))


async def kept(view: Stored, read_at: float = 5) -> PollCache:
    cache = PollCache()
    await cache.keep("n", NODE, [at_a_glance(job_text(at=read_at))], set(), {view.id: view})
    return cache


def knows(cache: PollCache, view: Stored | None, at: float = 9, **changed: object) -> bool:
    return cache.knows("n", NODE, at_a_glance(job_text(at=at, **changed)), view)


async def test_true_state_the_same_word_is_known_as_long_as_it_is_shown() -> None:
    cache = await kept(shown(3))
    assert knows(cache, shown(3))
    assert not knows(cache, shown(3), Progress=1)
    for other in (None, shown(4), shown(3, incarnation="j"), shown(3, mark="lost")):
        assert not knows(cache, other)


async def test_true_state_what_the_view_has_newer_is_not_what_was_read() -> None:
    assert not knows(await kept(shown(7)), shown(7))


async def test_true_state_what_is_gone_or_wanted_is_known_no_more() -> None:
    cache = await kept(shown(3))
    cache.forget_gone("n", {job_id(1)})
    assert knows(cache, shown(3))
    cache.forget_gone("n", set())
    assert not knows(cache, shown(3))
    cache = await kept(shown(3))
    cache.forget("n", [job_id(1), job_id(2)])
    assert not knows(cache, shown(3))


async def test_bounds_readings_of_many_nodes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.service.poll_cache.MAX_READINGS", 25)
    cache, listed = PollCache(), [at_a_glance(job_text(number)) for number in range(10)]
    for node in "abcd":
        await cache.keep(node, NODE, listed, {each.id for each in listed}, {})
    assert cache.size == 20
