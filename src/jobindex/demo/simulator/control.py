"""The simulator's faults over HTTP: `POST /simulator/{balk|crash|hang|slow|recover|forget|restart}`.

A body `{"Seconds": 0.5}` says how slow, `{"ID": "…"}` which job has no text; everything is answered `{}`, a crash and a
restart before they begin.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from aiohttp import web


class Scriptable(Protocol):
    """What can be ordered."""

    def balk(self, job_id: str) -> None: ...
    def hang(self) -> None: ...
    def slow(self, seconds: float) -> None: ...
    def recover(self) -> None: ...
    def forget(self) -> None: ...
    async def crash(self) -> None: ...
    async def restart(self) -> None: ...


class Control:
    """Carries out orders; those that cut the line they came on are begun when it has been answered."""

    def __init__(self, simulator: Scriptable) -> None:
        self._simulator = simulator
        self._begun: set[asyncio.Task[None]] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        verb = request.match_info["verb"]
        if verb in ("crash", "restart"):
            return await self._last_answer(request, getattr(self._simulator, verb)())
        if verb == "slow":
            order = await request.json()
            self._simulator.slow(float(order["Seconds"]))
        elif verb == "balk":
            self._simulator.balk(str((await request.json())["ID"]))
        elif verb in ("hang", "recover", "forget"):
            getattr(self._simulator, verb)()
        else:
            raise web.HTTPNotFound
        return web.json_response({})

    async def _last_answer(self, request: web.Request, order: Coroutine[Any, Any, None]) -> web.StreamResponse:
        response = web.json_response({})
        await response.prepare(request)
        await response.write_eof()
        task = asyncio.create_task(order, name="simulator order")
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return response
