"""A replica's services, and an Orthanc to ask."""

from collections.abc import AsyncIterator

import pytest

from jobindex.store import Store

from ..scripted_orthanc import ScriptedOrthanc, scripted
from .services import Services, services_on


@pytest.fixture(autouse=True)
def _quick_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of the change log looks up more often, so that an emptied Redis is noticed sooner."""
    monkeypatch.setattr("jobindex.store.changes.TAIL_BLOCK", 0.05)


@pytest.fixture
async def services(store: Store) -> AsyncIterator[Services]:
    async with services_on(store) as services:
        yield services


@pytest.fixture
async def orthanc() -> AsyncIterator[ScriptedOrthanc]:
    """One that wants demo:demo."""
    async with scripted(login=True) as orthanc:
        yield orthanc


@pytest.fixture
async def other() -> AsyncIterator[ScriptedOrthanc]:
    """Another one."""
    async with scripted(login=True) as orthanc:
        yield orthanc
