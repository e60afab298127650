"""A chore goes on: at once while there is more, after its interval else, and after any error."""

import asyncio

import pytest

from jobindex.clock import LONGEST_PAUSE, Chore, keep

from .waiting import until


class Pauses:
    """Stands for `asyncio.sleep`: notes how long, and ends the chore after so many."""

    def __init__(self, most: int) -> None:
        self.taken: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) >= self._most:
            raise asyncio.CancelledError


async def paused(work: object, most: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The first pauses of a chore that is due every second."""
    pauses = Pauses(most)
    monkeypatch.setattr("jobindex.clock.asyncio.sleep", pauses)
    with pytest.raises(asyncio.CancelledError):
        await keep(Chore("work", 1.0, work))  # type: ignore[arg-type]  # every test gives it work
    return pauses.taken


def told(*answers: bool | Exception) -> object:
    """Work that answers this, one after the other, and then that there is no more."""
    left = list(answers)

    async def work() -> bool:
        answer = left.pop(0) if left else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    return work


async def test_while_there_is_more_it_goes_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = await paused(told(True, True), 3, monkeypatch)
    assert first == second == 0
    assert 0.9 <= third <= 1.1


async def test_pauses_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = await paused(told(), 20, monkeypatch)
    assert len(set(pauses)) > 1
    assert all(0.9 <= pause <= 1.1 for pause in pauses)


async def test_an_error_is_logged_and_waited_out_longer_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = await paused(told(*[ValueError("broken")] * 10), 12, monkeypatch)
    for number, pause in enumerate(pauses[:4], start=1):
        assert 0.9 * 2**number <= pause <= 1.1 * 2**number
    assert all(pause <= LONGEST_PAUSE * 1.1 for pause in pauses)
    assert pauses[-1] <= 1.1  # it went well again
    assert "work failed 3 times in a row" in caplog.text


async def test_it_ends_when_it_is_cancelled() -> None:
    done = 0

    async def work() -> bool:
        nonlocal done
        done += 1
        return False

    task = asyncio.create_task(keep(Chore("work", 0.001, work)))
    await until(lambda: done > 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
