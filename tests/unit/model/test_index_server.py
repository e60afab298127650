"""What is unsafe in a Redis's set-up, each with its mending."""

from dataclasses import replace

import pytest

from jobindex.model.finding import OK, PROBLEM, WARNING, gravest
from jobindex.model.index_server import IndexServer, described, faults

GOOD = IndexServer("7.0.15", "noeviction", memory=1 << 20, most_memory=1 << 30, user="jobindex")

BAD = [
    ({"policy": "allkeys-lru"}, PROBLEM, "throws away", "noeviction"),
    ({"policy": "volatile-ttl"}, PROBLEM, "throws away", "noeviction"),
    ({"policy": ""}, PROBLEM, "throws away", "noeviction"),
    ({"append_only": False}, WARNING, "append-only", "appendonly yes"),
    ({"append_only_works": False}, PROBLEM, "could not write", "disk"),
    ({"open_to_all": True}, WARNING, "anybody", "users.acl"),
    ({"user": "default"}, WARNING, "default user", "users.acl"),
    ({"plain": ("10.0.0.1",)}, WARNING, "unencrypted to 10.0.0.1", "rediss://"),
    ({"memory": 950 << 20}, WARNING, "93 %", "maxmemory"),
    ({"version": "6.2.14"}, WARNING, "older", "7.0"),
]


def test_a_good_one_has_no_fault() -> None:
    assert faults(GOOD) == []
    assert described(GOOD).level == OK


@pytest.mark.parametrize("version", ["7.0.0", "7.2", "8.6.1", "9.1.2", "10.0.0"])
def test_newer_ones_are_good(version: str) -> None:
    assert faults(replace(GOOD, version=version)) == []


@pytest.mark.parametrize(("changed", "level", "says", "mend"), BAD)
def test_each_fault_is_named_and_its_mending(changed: dict[str, object], level: str, says: str, mend: str) -> None:
    (fault,) = faults(replace(GOOD, **changed))  # type: ignore[arg-type]
    assert fault.level == level
    assert says in fault.says
    assert mend in fault.mend


def test_problems_come_first() -> None:
    found = faults(replace(GOOD, append_only=False, policy="allkeys-lru"))
    assert [fault.level for fault in found] == [PROBLEM, WARNING]
    assert [gravest(found), gravest(found[1:]), gravest([])] == [2, 1, 0]
