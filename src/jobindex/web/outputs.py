"""The doors to what jobs made: archives and other outputs, streamed from the owner.

Law: a download that breaks off never looks whole.
"""

import asyncio
from urllib.parse import unquote

from aiohttp import web

from jobindex.errors import OwnerSilent
from jobindex.model.job import is_job_id, is_output_key
from jobindex.orthanc.headers import permitted
from jobindex.orthanc.output import Output
from jobindex.orthanc.wire import Answer, job_path, output_path, refuses
from jobindex.service.relay import Relay
from jobindex.service.rights import NO_JOB, Rights
from jobindex.service.search import Search
from jobindex.service.view import View
from jobindex.store.jobs import Stored
from jobindex.web.answers import REQUEST_ID, REQUEST_ID_HEADER, error, relayed
from jobindex.web.routes import Call


class OutputsDoor:
    """`/jobs/{id}/{key}`."""

    def __init__(self, view: View, search: Search, relay: Relay, rights: Rights) -> None:
        self._view = view
        self._search = search
        self._relay = relay
        self._rights = rights

    async def get(self, call: Call) -> web.StreamResponse:
        """GET /jobs/{id}/{key}"""
        job = await self._find(call)
        if job is None:
            return await self._no_output(call)
        path = output_path(job.id, call.parts["key"])
        async with self._relay.output(call.caller, job.record.node, self._view.owner(job), path) as output:
            if refuses(output.status):
                answer = Answer(output.status, permitted(output.headers))
                await self._rights.refuse(call.caller, job.record.node, answer)
            told = {"Content-Type": "text/plain", REQUEST_ID_HEADER: call.request.get(REQUEST_ID, "")}
            told |= permitted(output.headers, with_length=True)
            response = web.StreamResponse(status=output.status, headers=told)
            await response.prepare(call.request)
            return await _pass_on(output, call.request, response)

    async def delete(self, call: Call) -> web.StreamResponse:
        """DELETE /jobs/{id}/{key}"""
        job = await self._find(call)
        if job is None:
            return await self._no_output(call)
        path = output_path(job.id, call.parts["key"])
        acting = self._relay.act(call.caller, job, self._view.owner(job), "DELETE", path)
        answer = await asyncio.shield(acting)
        if answer.refuses:
            await self._rights.refuse(call.caller, job.record.node, answer)
        return relayed(call.request, answer)

    async def _find(self, call: Call) -> Stored | None:
        job_id, key = call.parts["id"], call.parts["key"]
        return await self._search.find(call.caller, job_id) if is_job_id(job_id) and is_output_key(key) else None

    async def _no_output(self, call: Call) -> web.Response:
        await self._rights.may(call.caller, call.request.method, f"{job_path(NO_JOB)}/archive")
        return error(call.request, 404, 7, f"Job has no such output: {unquote(call.parts['key'])}")


async def _pass_on(output: Output, request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """The body, as it comes; when the owner breaks off, so does the connection to the caller."""
    try:
        if _is_bare(request.transport) and output.can_be_poured(request.writer.length):
            await response.write(output.begun())
            await output.pour(await _flushed(request))
        else:
            while piece := await output.piece():
                await response.write(piece)
    except OwnerSilent:
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _is_bare(transport: asyncio.Transport | None) -> bool:
    """Whether what goes into the caller's socket reaches the caller as it is."""
    return transport is not None and transport.get_extra_info("sslcontext") is None


async def _flushed(request: web.BaseRequest) -> int:
    """The caller's socket, when all that was written is in it; ConnectionResetError where the caller has left."""
    if (transport := request.transport) is None:
        raise ConnectionResetError("the caller has left")
    transport.set_write_buffer_limits(high=0)
    await request.writer.drain()
    transport.set_write_buffer_limits()
    return int(transport.get_extra_info("socket").fileno())
