"""Names that nobody resolves hold up nothing else, and looking them up is inside the time limit."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import pytest

from jobindex.errors import OwnerUnreachable
from jobindex.orthanc.client import Client
from jobindex.orthanc.credentials import NOBODY

from ..scripted_orthanc import ScriptedOrthanc

DEAD = 40
WITHIN = 0.5


@pytest.fixture
def dead_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look-ups of names under dead.invalid hang until the test is over, as with a name server that is away."""
    over, real = threading.Event(), socket.getaddrinfo

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        if str(host).endswith(".dead.invalid"):
            over.wait(20.0)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield
    over.set()


async def ask(client: Client, host: str) -> float:
    """Seconds until it is known that this one can't be called."""
    began = time.monotonic()
    with pytest.raises(OwnerUnreachable):
        await client.ask(f"http://{host}:8042", "GET", "/jobs", within=WITHIN)
    return time.monotonic() - began


@pytest.fixture
async def asking(client: Client, dead_names: None) -> AsyncIterator[Awaitable[list[float]]]:
    """Many dead names are being looked up."""
    asked = asyncio.gather(*(ask(client, f"{number}.dead.invalid") for number in range(DEAD)))
    await asyncio.sleep(0.05)
    yield asked
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asked


async def test_bounds_dead_names_leave_the_threads_of_others_alone(asking: Awaitable[list[float]]) -> None:
    assert await asyncio.wait_for(asyncio.to_thread(int, "1"), 0.4) == 1
    assert max(await asking) < WITHIN + 0.5


async def test_bounds_a_name_that_is_alive_is_called_while_others_are_dead(
    client: Client, orthanc: ScriptedOrthanc, asking: Awaitable[list[float]]
) -> None:
    answer = await client.ask(f"http://localhost:{orthanc.port}", "GET", "/system", within=0.4)
    assert answer.status == 200


async def test_bounds_a_download_from_a_dead_name_is_given_up_in_time(client: Client, dead_names: None) -> None:
    began = time.monotonic()
    with pytest.raises(OwnerUnreachable):
        async with client.stream("http://a.dead.invalid:8042", "/jobs/1/archive", NOBODY, within=5.0):
            pass
    assert time.monotonic() - began < 2.0


async def test_bounds_a_dead_name_is_looked_up_once_at_a_time(
    client: Client, dead_names: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    hanging = socket.getaddrinfo

    def noted(host: Any, *more: Any, **options: Any) -> Any:
        asked.append(str(host))
        return hanging(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    for _ in range(3):
        with contextlib.suppress(OwnerUnreachable):
            await client.ask("http://a.dead.invalid:8042", "GET", "/jobs", within=0.1)
        with contextlib.suppress(OwnerUnreachable):
            await client.ask("http://a.dead.invalid:8042", "POST", "/jobs", within=0.1)
    assert asked.count("a.dead.invalid") == 1


async def test_bounds_more_dead_names_than_may_be_looked_up_at_once_are_not_called(
    client: Client, dead_names: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.orthanc.names.MAX_LOOKUPS", 2)
    took = await asyncio.gather(*(ask(client, f"{number}.dead.invalid") for number in range(4)))
    assert max(took) < WITHIN + 0.5
