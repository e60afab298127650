"""An id that the index does not know is asked for at all nodes; 404 only if every one of them said so."""

import asyncio

import pytest

from jobindex.errors import NobodyToAsk, NotEverybodyAnswered, Refused, TooOften
from jobindex.service import relay, search
from jobindex.service.search import UNKNOWN_LASTS

from ...builders import job_id, known
from ..scripted_orthanc import ScriptedOrthanc
from ..words import NEXT_INCARNATION, job
from .services import CALLER, STRANGER, Services

PATH = f"/jobs/{job_id(1)}"
AT_FIRST = 20


@pytest.fixture(autouse=True)
def _small_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "AT_FIRST", AT_FIRST)


@pytest.fixture
async def two(services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Services:
    """Node a is `orthanc`, node b is `other`; neither has a job."""
    await services.say("a", at=orthanc)
    await services.say("b", at=other)
    return services


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "READ_WITHIN", 0.2)
    monkeypatch.setattr(search, "WITHIN", 0.3)


async def test_a_job_in_the_view_is_found_without_asking(two: Services, orthanc: ScriptedOrthanc) -> None:
    await two.say("a", job(1))
    found = await two.search.find(CALLER, job_id(1))
    assert found == two.view.jobs[job_id(1)]
    assert orthanc.asked == []


async def test_a_job_that_is_just_being_reported_is_waited_for(two: Services, orthanc: ScriptedOrthanc) -> None:
    searching = asyncio.create_task(two.search.find(CALLER, job_id(1)))
    await asyncio.sleep(0)
    await two.say("a", job(1))
    assert await searching is not None
    assert orthanc.asked == []


async def test_what_every_node_answers_404_is_not_there(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    assert await two.search.find(CALLER, job_id(1)) is None
    assert (orthanc.count("GET", PATH), other.count("GET", PATH)) == (1, 1)


async def test_what_is_not_there_is_remembered_for_a_minute_for_this_caller(
    two: Services, orthanc: ScriptedOrthanc
) -> None:
    for _ in range(3):
        assert await two.search.find(CALLER, job_id(1)) is None
    assert orthanc.count("GET", PATH) == 1
    with pytest.raises(Refused):
        await two.search.find(STRANGER, job_id(1))
    two.clock.pass_by(UNKNOWN_LASTS)
    assert await two.search.find(CALLER, job_id(1)) is None
    assert orthanc.count("GET", PATH) == 3


async def test_in_use_what_is_not_there_is_asked_for_again_when_another_node_runs(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    assert await two.search.find(CALLER, job_id(1)) is None
    other.tell_job(job_id(1), job(1))
    await two.say("b", at=other, incarnation=NEXT_INCARNATION)
    assert await two.search.find(CALLER, job_id(1)) is not None


async def test_what_is_remembered_as_unknown_is_found_when_it_is_reported(two: Services) -> None:
    assert await two.search.find(CALLER, job_id(1)) is None
    await two.say("a", job(1))
    assert await two.search.find(CALLER, job_id(1)) is not None


async def test_a_job_that_a_node_has_is_found_and_taken_in(two: Services, other: ScriptedOrthanc) -> None:
    other.tell_job(job_id(1), job(1))
    found = await two.search.find(CALLER, job_id(1))
    assert found is not None
    assert found.record.node == "b"
    assert (await known(two.store)).text == found.text


async def test_a_silent_node_makes_it_unclear(two: Services, orthanc: ScriptedOrthanc, short_waits: None) -> None:
    orthanc.tell(PATH, hangs=True)
    with pytest.raises(NotEverybodyAnswered):
        await two.search.find(CALLER, job_id(1))


async def test_a_silent_node_does_not_hide_what_another_has(
    two: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, short_waits: None
) -> None:
    orthanc.tell(PATH, hangs=True)
    other.tell_job(job_id(1), job(1))
    assert await two.search.find(CALLER, job_id(1)) is not None


async def test_who_kept_one_search_waiting_does_not_keep_the_next(
    two: Services, orthanc: ScriptedOrthanc, short_waits: None
) -> None:
    orthanc.tell(PATH, hangs=True)
    for _ in range(2):
        with pytest.raises(NotEverybodyAnswered):
            await two.search.find(CALLER, job_id(1))
    assert orthanc.count("GET", PATH) == 1


def test_a_search_lasts_long_enough_to_learn_who_is_silent() -> None:
    assert relay.READ_WITHIN < search.WITHIN
    assert search.FRESH + search.WITHIN < 1.5


@pytest.mark.parametrize("status", [500, 302])
async def test_an_answer_that_says_nothing_of_the_job_makes_it_unclear(
    two: Services, orthanc: ScriptedOrthanc, status: int
) -> None:
    orthanc.tell(PATH, status=status)
    with pytest.raises(NotEverybodyAnswered):
        await two.search.find(CALLER, job_id(1))


async def test_what_is_no_job_is_not_found(two: Services, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell(PATH, b"<html>hello</html>")
    with pytest.raises(NotEverybodyAnswered):
        await two.search.find(CALLER, job_id(1))


async def test_a_refusal_is_passed_on(two: Services) -> None:
    with pytest.raises(Refused) as refusal:
        await two.search.find(STRANGER, job_id(1))
    assert refusal.value.status == 401


async def test_without_nodes_nobody_can_be_asked(services: Services) -> None:
    with pytest.raises(NobodyToAsk):
        await services.search.find(CALLER, job_id(1))


async def test_many_unknown_ids_are_asked_for_at_a_pace_and_never_said_not_to_be_there(
    two: Services, orthanc: ScriptedOrthanc
) -> None:
    for number in range(AT_FIRST):
        assert await two.search.find(CALLER, job_id(number)) is None
    for number in (AT_FIRST, 0xFFFF):
        with pytest.raises(TooOften) as held:
            await two.search.find(CALLER, job_id(number))
        assert held.value.seconds == 1
    assert len(orthanc.asked) == AT_FIRST
    assert await two.search.find(CALLER, job_id(0)) is None
    with pytest.raises(Refused):
        await two.search.find(STRANGER, job_id(1))
    two.clock.pass_by(1)
    assert await two.search.find(CALLER, job_id(0xFFFF)) is None


async def test_jobs_that_are_found_do_not_count(two: Services, other: ScriptedOrthanc) -> None:
    """As while Redis is away, when what is found can't be kept."""
    other.tell_job(job_id(1), job(1))
    while other.count("GET", PATH) <= AT_FIRST:
        two.view.drop(job_id(1))
        assert await two.search.find(CALLER, job_id(1)) is not None


async def test_who_asks_for_known_jobs_is_never_held_up(two: Services) -> None:
    await two.say("a", job(1))
    for _ in range(AT_FIRST * 2):
        assert await two.search.find(CALLER, job_id(1)) is not None
