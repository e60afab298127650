"""A replica that is slow itself does not take Redis for away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobindex.errors import IndexAway
from jobindex.service.freshness import Freshness
from jobindex.service.view import View
from jobindex.store import Store
from jobindex.store.connect import COMMAND_TIMEOUT

from ...builders import registered, told, word

HELD_S = COMMAND_TIMEOUT + 0.4
ASKING: dict[str, Callable[[Store], Awaitable[Any]]] = {
    "on a line": lambda store: store.changes.head(),
    "a report": lambda store: told(store, word()),
    "from the pool": lambda store: store.nodes.everything(),
    "several at once": lambda store: store.jobs.fetch([word().id]),
    "the log": lambda store: store.changes.after(0),
}


async def while_held(asking: Awaitable[Any], turns: int) -> Any:
    """What comes of it where the loop is held for long when it has had so many turns."""
    task = asyncio.ensure_future(asking)
    for _ in range(turns):
        await asyncio.sleep(0)
    time.sleep(HELD_S)  # noqa: ASYNC251  # that is what is tried
    return await task


@pytest.mark.parametrize("turns", [2, 4, 6])
@pytest.mark.parametrize("what", ASKING)
async def test_bounds_a_slow_loop_is_not_a_redis_that_is_away(store: Store, what: str, turns: int) -> None:
    await registered(store, "a")
    await ASKING[what](store)
    await while_held(ASKING[what](store), turns)


@pytest.mark.parametrize("turns", [2, 4, 6])
async def test_bounds_a_slow_loop_makes_no_list_stale(store: Store, turns: int) -> None:
    await registered(store, "a")
    view = View()
    view.hear()
    head = await store.changes.head()
    assert head is not None
    await view.move(head)
    freshness = Freshness(store.changes, view)
    assert await freshness.catch_up()
    assert await while_held(freshness.catch_up(), turns)
    assert view.connected


async def test_a_redis_that_is_away_is_found_out_though_the_loop_is_slow(store: Store, redis: Any) -> None:
    await registered(store, "a")
    await redis.client_pause(5000)
    began = time.monotonic()
    with pytest.raises(IndexAway):
        await while_held(store.changes.head(), 3)
    assert time.monotonic() - began < 3 * HELD_S
    await redis.client_unpause()
