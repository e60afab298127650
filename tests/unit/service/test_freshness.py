"""A reader sees every write that was acknowledged before it asked, or is told that it may not."""

from jobindex.errors import IndexAway
from jobindex.service.freshness import Freshness
from jobindex.service.view import View
from jobindex.store.changes import Head, Standing

from ...builders import registered, word
from .services import Services


class Log:
    """A change log whose head is told."""

    def __init__(self, head: Head | None) -> None:
        self.told = head
        self.away = False

    async def standing(self) -> Standing:
        if self.away:
            raise IndexAway("away")
        return Standing(self.told, submitting=False)


def fresh(log: Log) -> tuple[Freshness, View]:
    view = View()
    view.connected = True
    return Freshness(log, view), view  # type: ignore[arg-type]  # all that it asks of a log is where it stands


async def test_a_view_that_is_as_far_as_the_index_is_fresh() -> None:
    freshness, view = fresh(Log(Head("e", 0, 3)))
    await view.move(Head("e", 0, 3))
    assert await freshness.catch_up()


async def test_a_view_that_does_not_get_there_is_stale() -> None:
    freshness, _ = fresh(Log(Head("e", 0, 3)))
    assert not await freshness.catch_up()


async def test_without_the_index_the_view_is_stale() -> None:
    log = Log(Head("e", 0, 3))
    freshness, view = fresh(log)
    await view.move(Head("e", 0, 3))
    log.away = True
    assert not await freshness.catch_up()
    log.away, view.connected = False, False
    assert not await freshness.catch_up()


async def test_an_index_that_fell_back_makes_the_view_stale() -> None:
    """A new master that nobody has written to yet: it lacks what the old one took last, and its epoch is the same."""
    freshness, view = fresh(Log(Head("e", 0, 2)))
    await view.move(Head("e", 0, 3))
    assert not await freshness.catch_up()


async def test_an_emptied_index_makes_the_view_stale() -> None:
    freshness, _ = fresh(Log(None))
    assert not await freshness.catch_up()


async def test_what_was_written_is_seen_at_once(services: Services) -> None:
    await registered(services.store, "a")
    for number in range(20):
        await services.store.jobs.put("a", "a1", [word(number)])
        assert await services.freshness.catch_up()
        assert services.state(number) == "Running"
