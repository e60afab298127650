"""What stays is looked through once, and what is a cycle by then is found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from jobindex.service.lasting import lasting, looking_once


class Thing:
    """Something that may be in a cycle."""

    other: "Thing | None" = None


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def looked_through(thing: Thing) -> bool:
    return any(each is thing for each in gc.get_objects())


def test_what_is_made_to_stay_is_not_looked_through() -> None:
    with lasting():
        things = [Thing() for _ in range(3)]
    assert not any(looked_through(each) for each in things)
    assert gc.isenabled()


def test_what_survives_a_long_look_is_not_looked_through_again() -> None:
    with looking_once(longest=0.0):
        kept, cycle = Thing(), Thing()
        cycle.other = cycle
        gone = weakref.ref(cycle)
        del cycle
        gc.collect()
        assert gone() is None
        assert not looked_through(kept)
    later = Thing()
    gc.collect()
    assert looked_through(later)


def test_what_survives_a_short_one_is() -> None:
    with looking_once(longest=60.0):
        kept = Thing()
        gc.collect()
        assert looked_through(kept)
