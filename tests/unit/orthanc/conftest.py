"""A client that may reach the loopback, and an Orthanc there that answers as it is told."""

from collections.abc import AsyncIterator

import pytest

from jobindex.orthanc.client import Client, opened
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.tls import tls_context
from jobindex.settings import LOOPBACK

from ..scripted_orthanc import ScriptedOrthanc, scripted


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with opened(Reach(LOOPBACK), tls_context()) as client:
        yield client


@pytest.fixture
async def orthanc() -> AsyncIterator[ScriptedOrthanc]:
    async with scripted() as orthanc:
        yield orthanc
