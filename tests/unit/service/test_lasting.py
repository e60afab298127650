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


def test_what_is_made_to_stay_is_not_looked_through() -> None:
    with lasting():
        things = [Thing() for _ in range(3)]
    assert not any(each in gc.get_objects() for each in things)
    assert gc.isenabled()


def test_what_survives_a_whole_look_is_not_looked_through_again() -> None:
    with looking_once():
        kept, cycle = Thing(), Thing()
        cycle.other = cycle
        gone = weakref.ref(cycle)
        del cycle
        gc.collect()
        assert gone() is None
        assert kept not in gc.get_objects()
    later = Thing()
    gc.collect()
    assert later in gc.get_objects()
