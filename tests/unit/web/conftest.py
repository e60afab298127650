"""A replica with two nodes: `a` is `orthanc`, `b` is `other`; both want demo:demo."""

from collections.abc import AsyncIterator

import pytest

from ..scripted_orthanc import ScriptedOrthanc, scripted
from .replica import Replica, replica_on


@pytest.fixture(autouse=True)
def _quick_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of the change log ends sooner."""
    monkeypatch.setattr("jobindex.store.changes.TAIL_BLOCK", 0.05)


@pytest.fixture
async def orthanc() -> AsyncIterator[ScriptedOrthanc]:
    async with scripted(login=True) as orthanc:
        yield orthanc


@pytest.fixture
async def other() -> AsyncIterator[ScriptedOrthanc]:
    async with scripted(login=True) as orthanc:
        yield orthanc


@pytest.fixture
async def alone(index_url: str) -> AsyncIterator[Replica]:
    """A replica that knows no node."""
    async with replica_on(index_url) as replica:
        yield replica


@pytest.fixture
async def replica(alone: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Replica:
    for node, at in (("a", orthanc), ("b", other)):
        assert (await alone.report(node, at=at)).status == 200
    await alone.knows_whom_to_ask(nodes=2)
    for at in (orthanc, other):
        at.asked.clear()
    return alone
