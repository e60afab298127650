"""A listener that is ended while it opens leaves no socket behind."""

import asyncio
import gc

import pytest
from aiohttp import web

from jobindex.web.server import listening


async def nobody(request: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError("nobody asks")


async def listen() -> None:
    async with listening(nobody, "127.0.0.1", 0):
        await asyncio.Event().wait()


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
async def test_whenever_it_is_ended_its_socket_is_closed() -> None:
    for turns in range(30):
        task = asyncio.create_task(listen())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, asyncio.Server) and each.is_serving()] == []
