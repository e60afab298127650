"""A service that Orthancs report to, and all the ways in which it can misbehave."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from aiohttp import web

from jobindex.demo.ports import LOOPBACK

SLOW = 2.0  # seconds
ENOUGH = 3  # reports that it has heard when all of an Orthanc is told

Behaviour = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({})


async def swallow(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise RuntimeError("nobody ends the waiting")


async def answer_slowly(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(SLOW)
    return web.json_response({})


async def fail(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=500, body=random.randbytes(10_000))


async def lead_elsewhere(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": str(request.url)})


CASES: dict[str, Behaviour | None] = {
    "good": answer,
    "black hole": swallow,
    "refused": None,
    "slow": answer_slowly,
    "garbage 500": fail,
    "redirect": lead_elsewhere,
}
"""By their names; None refuses every connection."""


class Service:
    """Answers well until it is told to do otherwise."""

    def __init__(self, port: int, case: str) -> None:
        self.port = port
        self._case = CASES[case]
        self._behave: Behaviour = answer
        self._heard = 0
        self._runner = web.ServerRunner(web.Server(self._answer, handler_cancellation=True), shutdown_timeout=0.0)

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port, reuse_address=True).start()

    async def close(self) -> None:
        await self._runner.cleanup()

    def be_good(self) -> None:
        self._behave, self._heard = answer, 0

    async def be_bad(self) -> None:
        """From now on as its case says."""
        if self._case is None:
            await self.close()
        else:
            self._behave = self._case

    async def has_heard_enough(self) -> bool:
        return self._heard >= ENOUGH

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self._heard += 1
        return await self._behave(request)
