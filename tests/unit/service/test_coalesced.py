"""Who asks at the same moment shares a question; who comes later gets a later answer."""

import asyncio

import pytest

from jobindex.errors import IndexAway
from jobindex.service.coalesced import Coalesced

from ..waiting import until


class Oracle:
    """Answers with a number, the next one each time, when it is let."""

    def __init__(self) -> None:
        self.sent = 0
        self.let = asyncio.Event()
        self.error: Exception | None = None

    async def answer(self) -> int:
        self.sent += 1
        mine = self.sent
        await self.let.wait()
        if self.error:
            raise self.error
        return mine


async def test_all_who_ask_before_it_is_sent_share_one_question() -> None:
    oracle = Oracle()
    oracle.let.set()
    question = Coalesced(oracle.answer)
    assert await asyncio.gather(*(question.ask() for _ in range(10))) == [1] * 10


async def test_a_question_that_was_sent_is_no_answer_to_who_comes_after() -> None:
    oracle = Oracle()
    question = Coalesced(oracle.answer)
    first = asyncio.create_task(question.ask())
    await until(lambda: oracle.sent == 1)
    later = [asyncio.create_task(question.ask()) for _ in range(3)]
    await asyncio.sleep(0)
    assert oracle.sent == 1  # one after the other
    oracle.let.set()
    assert await first == 1
    assert await asyncio.gather(*later) == [2, 2, 2]


async def test_an_error_reaches_all_who_asked_and_nobody_after() -> None:
    oracle = Oracle()
    oracle.let.set()
    oracle.error = IndexAway("away")
    question = Coalesced(oracle.answer)
    answers = await asyncio.gather(*(question.ask() for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [IndexAway] * 3
    oracle.error = None
    assert await question.ask() == 2


async def test_who_is_cancelled_leaves_the_question_to_the_others() -> None:
    oracle = Oracle()
    question = Coalesced(oracle.answer)
    leaving, staying = (asyncio.create_task(question.ask()) for _ in range(2))
    await until(lambda: oracle.sent == 1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    oracle.let.set()
    assert await staying == 1


async def test_an_error_that_nobody_waits_for_any_more_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    oracle = Oracle()
    oracle.error = IndexAway("away")
    question = Coalesced(oracle.answer)
    asking = asyncio.create_task(question.ask())
    await until(lambda: oracle.sent == 1)
    asking.cancel()
    oracle.let.set()
    with pytest.raises(IndexAway):
        await question.ask()
    assert "never retrieved" not in caplog.text
