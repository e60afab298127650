"""A peer that takes its time over each instance, so that a job is long enough to be watched and interfered with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from .ports import LOOPBACK, free_port

PAUSE = 1.0  # seconds for each instance


@asynccontextmanager
async def slow_peer(pause: float = PAUSE) -> AsyncIterator[str]:
    """Gives its URL; what is sent to it is thrown away."""

    async def swallow(request: web.BaseRequest) -> web.Response:
        async for _ in request.content.iter_any():
            pass
        await asyncio.sleep(pause)
        return web.json_response({})

    runner = web.ServerRunner(web.Server(swallow), shutdown_timeout=0.0)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port, reuse_address=True).start()
    try:
        yield f"http://{LOOPBACK}:{port}/"
    finally:
        await runner.cleanup()
