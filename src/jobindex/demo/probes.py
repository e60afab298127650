"""Whether a part of the cluster answers yet; a probe never raises."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import aiohttp

Probe = Callable[[], Awaitable[bool]]

PATIENCE = aiohttp.ClientTimeout(total=2)  # seconds
PAUSE = 0.05  # seconds between two probes


async def until(probe: Probe, within: float) -> bool:
    """Probe again and again for so many seconds; answers whether it came true."""
    deadline = time.monotonic() + within
    while not await probe():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(PAUSE)
    return True


async def listens(host: str, port: int) -> bool:
    """Someone accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """A GET is answered 200, with something."""
    return await reads(url, headers) != ""


async def reads(url: str, headers: Mapping[str, str] | None = None) -> str:
    """The text of a GET that is answered 200, else nothing."""
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, headers=headers) as session,
            session.get(url) as response,
        ):
            return await response.text() if response.status == 200 else ""
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""
