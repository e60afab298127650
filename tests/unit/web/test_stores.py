"""Everything that a replica keeps in memory has a bound in bytes: a new store has to be named here before it passes."""

import gc
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakValueDictionary

import pytest

from jobindex.service.bodies import MOST_KEPT, Bodies
from jobindex.service.encodings import Compressed
from jobindex.service.recent import Recent
from jobindex.service.snapshot_read import MAX_KEPT_BYTES, SnapshotRead
from jobindex.service.view import View
from jobindex.store.jobs import Stored
from jobindex.store.told import Told

from ...builders import job_id, word
from ..words import job
from .replica import Replica

GROWING = (dict, list, set, deque, OrderedDict, WeakValueDictionary, bytearray)
MB = 1 << 20
INDEX, FLOW, SETUP = -1, -2, -3
"""As large as what the index has; what is under way, bounded by time and by its callers; as the settings have it."""
SHORT = 300
"""Bytes of an entry: an id, a digest, a number or two."""

BOUNDS = {
    # The index itself.
    **dict.fromkeys(("View.jobs", "View.nodes", "View._on_node", "View._watchers"), INDEX),
    **dict.fromkeys(("Shelves.sections", "Shelves._firsts", "Shelves._ends", "Shelf.ids"), INDEX),
    **dict.fromkeys(("Section.shelves", "Section.firsts", "Selection._nodes", "Objects.nodes"), INDEX),
    # By node, of which there are as many as in the index.
    **dict.fromkeys(
        ("Breaker._until", "Client._barred", "Places._free", "Tokens._open", "Tokens._visited", "FirstAnswers._places"),
        INDEX,
    ),
    **dict.fromkeys(("PollReader._list_again", "Refresh._read_before"), INDEX),
    # In bytes.
    "Told._words": 16 * MB,
    "Recent._words": 64 * MB,
    "Bodies._bodies": 64 * MB,
    "Rendering._parts": 64 * MB,  # those of the bodies
    "Part.places": 64 * MB,
    "Selections._kept": 64 * MB,
    "PollCache._nodes": 300_000 * SHORT,
    "Objects._endings": 5000 * 5000,
    # In entries.
    "Bodies._groups": 16 * SHORT,
    "Selection._changed": 64 * 30_000 * 100 // 8,  # that many only where all are of a million jobs
    "Dropped._owners": 20_000 * SHORT,
    **dict.fromkeys(("Keeping._deleted", "Keeping._faulty"), 10_000 * SHORT),
    "Pace._left": 10_000 * SHORT,
    "PollTimeouts._known": 10_000 * SHORT,
    "Polls._known": 1000 * 6000,
    "Polls._once": 1000 * SHORT,
    "Purged._ids": 100_000 * SHORT,
    "RefusedReports._last": 20 * SHORT,
    "Repeats._counts": 10_000 * 1000,
    "Search._unknown": 10_000 * SHORT,
    "Unreadable._noted": 10_000 * SHORT,
    "UntrustedPeers._peers": 100 * SHORT,
    "Writer._kept": 10_000 * 1500,
    **dict.fromkeys(("LocalAttempts._accepted", "LocalAttempts._noted", "LocalAttempts._since"), 10_000 * SHORT),
    **dict.fromkeys(("FirstAnswers._since", "Logins._first", "Logins._good"), 10_000 * SHORT),
    **dict.fromkeys(("Standing._allowed", "Standing._asked", "Standing._hidden_of", "Standing._refusals"), 64 * SHORT),
    **dict.fromkeys(("Standing._contradicted", "Standing._doubted"), 64 * SHORT),
    **dict.fromkeys(("Standings._standings", "Verdicts._no", "Verdicts._yes"), 10_000 * SHORT),
    # Under way.
    **dict.fromkeys(("Audit._changes", "Coalesced._waiting", "Encodings._under_way", "FanOut._under_way"), FLOW),
    **dict.fromkeys(("Line._unsent", "Line._waiting", "_Question.answers", "PollReader._asked", "Polls._turns"), FLOW),
    **dict.fromkeys(("Refresh._rounds", "Renewal._rounds", "Resolver._under_way", "Selections._filling"), FLOW),
    **dict.fromkeys(("Submissions._waiting", "Place.parts", "Place.allowed", "SnapshotRead._before"), FLOW),
    # As it was set up.
    **dict.fromkeys(("Route.doors", "Routes._routes", "Safety.insecurities", "Scripts._verbs"), SETUP),
    **dict.fromkeys(("Tokens._fixed", "UntrustedPeers._trusted", "Visits._named"), SETUP),
}
OF_LIBRARIES = ("Connection.", "Node.", "Packed.", "Request.", "Server.", "Settings.", "NamedNode.")
"""Classes of aiohttp, redis-py and pydantic, of which ours are kinds."""


def _attributes(of: object) -> Iterator[tuple[str, Any]]:
    slots = {name for kind in type(of).__mro__ for name in getattr(kind, "__slots__", ())}
    names = slots | set(getattr(of, "__dict__", ()))
    for name in names:
        if hasattr(of, name):
            yield name, getattr(of, name)


@pytest.fixture
def earlier() -> set[int]:
    """What other tests have left, before this one's replica is there."""
    gc.unfreeze()
    gc.collect()
    return {id(each) for each in gc.get_objects()}


def _stores(earlier: set[int]) -> set[str]:
    """What can grow in the objects of ours that have come since."""
    gc.unfreeze()
    new = (each for each in gc.get_objects() if id(each) not in earlier)
    ours = (each for each in new if str(type(each).__module__).startswith("jobindex."))
    kept = (each for each in ours if not type(each).__module__.startswith(("jobindex.demo", "jobindex.cli")))
    found = set()
    for each in kept:
        found |= {f"{type(each).__name__}.{name}" for name, value in _attributes(each) if isinstance(value, GROWING)}
    return {name for name in found if not name.startswith(OF_LIBRARIES)}


async def test_bounds_every_store_of_a_replica_is_known(earlier: set[int], replica: Replica) -> None:
    await replica.report("a", job(1, "Success"))
    for _ in range(3):
        assert (await replica.get("/jobs?expand&status=Success")).status == 200
    found = _stores(earlier)
    assert "Told._words" in found
    assert found - BOUNDS.keys() == set(), "say in BOUNDS what keeps it from growing"
    assert all(bound <= 128 * MB for bound in BOUNDS.values())


LARGE = [word(number, Content={"Description": "x" * 1_000_000}) for number in range(20)]


def _fill_bodies(bodies: Bodies, turn: int) -> None:
    for number in range(20):
        bodies.keep((turn, number), Compressed("", bytes(1_000_000)))


def _moved(turn: int) -> list[Stored]:
    return [Stored(job_id(20 * turn + n), each.text + b" ", each.record) for n, each in enumerate(LARGE)]


STORES: dict[str, tuple[Callable[[], Any], Callable[[Any, int], None], int]] = {
    "told": (Told, lambda told, turn: told.note(str(turn), _moved(turn)), 16 * MB),
    "recent": (Recent, lambda recent, turn: recent.note(_moved(turn)), 64 * MB),
    "bodies": (Bodies, _fill_bodies, MOST_KEPT),
}


@pytest.mark.parametrize("name", STORES)
def test_bounds_a_store_that_is_filled_without_end_stays_within_its_bytes(name: str) -> None:
    made, fill, bound = STORES[name]
    store = made()
    for turn in range(10):
        fill(store, turn)
    assert 0 < _held(store) <= bound


def test_bounds_who_reads_a_snapshot_too_slowly_holds_no_more_than_so_much() -> None:
    view = View()
    with SnapshotRead(view) as read:
        for each in (each for turn in range(10) for each in _moved(turn)):
            if view.watches(read):
                read.note(each.id, each)
        assert not view.watches(read)
        assert _held(read) <= MAX_KEPT_BYTES + 2 * MB


def _held(store: object) -> int:
    """Bytes of all texts that it leads to."""
    seen: dict[int, object] = {}
    ahead: list[object] = [store]
    while ahead:
        each = ahead.pop()
        if id(each) not in seen and not isinstance(each, type) and not callable(each):
            seen[id(each)] = each
            ahead += gc.get_referents(each)
    return sum(len(each) for each in seen.values() if isinstance(each, bytes))
