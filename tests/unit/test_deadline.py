"""A time-out forgives the loop's lag, but no more than its own seconds of it; here turns take what we say."""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from jobindex.deadline import TOLERATED_S, Deadline

SECONDS = 0.4
START = 1000.0


class Held(selectors.DefaultSelector):
    """Waits for nothing: the time passes at once, and each turn takes its own time besides."""

    def __init__(self, turn: Callable[[], float]) -> None:
        super().__init__()
        self.now = START
        self._turn = turn

    def select(self, timeout: float | None = None) -> Any:
        self.now += max(timeout or 0.0, 0.0) + self._turn()
        return super().select(0)


def seconds_until_given_up(turn: Callable[[], float], answered_at: float | None = None) -> float | None:
    """When a Deadline around what is answered then, or never, ends; None where it was answered in time."""
    selector = Held(turn)
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]  # its clock is ours

    async def wait() -> float | None:
        answered = asyncio.Event()
        if answered_at is not None:
            loop.call_at(START + answered_at, answered.set)
        try:
            async with Deadline(SECONDS):
                await answered.wait()
        except TimeoutError:
            return selector.now - START
        return None

    try:
        return loop.run_until_complete(wait())
    finally:
        loop.close()


def stalls(lengths: Mapping[int, float]) -> Callable[[], float]:
    """Only these turns take their time."""
    turns = iter(range(1_000_000))
    return lambda: lengths.get(next(turns), 0.0)


def test_a_loop_in_time_gives_up_in_time() -> None:
    ended = seconds_until_given_up(lambda: 0.0)
    assert ended == pytest.approx(SECONDS, abs=0.01)


@pytest.mark.parametrize("turn", [0.051, 0.07, 0.1, 0.2, 0.3, 0.39])
def test_bounds_a_loop_that_lags_for_ever_gives_up_within_twice_the_seconds(turn: float) -> None:
    ended = seconds_until_given_up(lambda: turn)
    assert ended is not None
    assert SECONDS < ended <= 2 * SECONDS + TOLERATED_S + 4 * turn


@pytest.mark.parametrize("turn", [1.0, 5.0])
def test_bounds_a_loop_that_is_held_for_longer_than_the_deadline_forgives_its_own_length(turn: float) -> None:
    ended = seconds_until_given_up(stalls({1: turn}))
    assert ended is not None
    assert turn + SECONDS - 0.01 <= ended <= turn + 2 * SECONDS


@pytest.mark.parametrize("turn", [0.3, 0.5, 0.79, 0.85, 1.4, 20.0])
def test_bounds_what_came_while_the_loop_was_held_is_read(turn: float) -> None:
    assert seconds_until_given_up(stalls({1: turn}), answered_at=turn + 0.02) is None
