"""A job passed on whole: from its owner to the caller piece by piece, masked on the way and told where it is from.

Law: a job that breaks off never looks whole.
"""

from collections.abc import AsyncIterator

from aiohttp import web

from jobindex.errors import OwnerSilent
from jobindex.model.job_stream import JobStream
from jobindex.orthanc.client import LARGEST
from jobindex.orthanc.output import Output
from jobindex.orthanc.wire import JSON
from jobindex.service.turns import Stretches
from jobindex.web.answers import REQUEST_ID, REQUEST_ID_HEADER
from jobindex.web.pieces import PIECE_BYTES


async def pass_whole(output: Output, request: web.BaseRequest, stream: JobStream) -> web.StreamResponse | None:
    """The answer, sent; None, and nothing was sent, where what comes is no job."""
    parts = _parts(output, stream)
    try:
        first = await anext(parts)
    except (OwnerSilent, ValueError, StopAsyncIteration):
        return None
    told = {"Content-Type": JSON, REQUEST_ID_HEADER: request.get(REQUEST_ID, "")}
    response = web.StreamResponse(status=200, headers=told)
    await response.prepare(request)
    try:
        await response.write(first)
        async for part in parts:
            await response.write(part)
    except (OwnerSilent, ValueError):
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _parts(output: Output, stream: JobStream) -> AsyncIterator[bytes]:
    """What is sent, in parts of some size; OwnerSilent or ValueError where it is no whole job."""
    gathered, taken, stretches = bytearray(), 0, Stretches()
    while piece := await output.piece():
        taken += len(piece)
        if taken > LARGEST:
            raise ValueError("more than a job may have")
        for part in stream.feed(piece):
            gathered += part
            await stretches.rest()
            if len(gathered) >= PIECE_BYTES:
                yield _taken(gathered)
    for part in stream.finish():
        gathered += part
    yield _taken(gathered)


def _taken(gathered: bytearray) -> bytes:
    part = bytes(gathered)
    gathered.clear()
    return part
