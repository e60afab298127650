"""The doors to what jobs made: archives and other outputs, streamed from the owner.

Law: a download that breaks off never looks whole.
"""

import asyncio
from urllib.parse import unquote

import aiohttp
from aiohttp import web

from jobindex.model.job import is_job_id, is_output_key
from jobindex.orthanc.headers import permitted
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
        async with self._relay.output(call.caller, job.record.node, self._view.owner(job), path) as upstream:
            if refuses(upstream.status):
                self._rights.note_refusal(call.caller, Answer(upstream.status, permitted(upstream.headers)))
            told = {"Content-Type": "text/plain", REQUEST_ID_HEADER: call.request.get(REQUEST_ID, "")}
            told |= permitted(upstream.headers, with_length=True)
            response = web.StreamResponse(status=upstream.status, headers=told)
            await response.prepare(call.request)
            return await _pump(upstream, call.request, response)

    async def delete(self, call: Call) -> web.StreamResponse:
        """DELETE /jobs/{id}/{key}"""
        job = await self._find(call)
        if job is None:
            return await self._no_output(call)
        path = output_path(job.id, call.parts["key"])
        acting = self._relay.act(call.caller, job, self._view.owner(job), "DELETE", path)
        answer = await asyncio.shield(acting)
        if answer.refuses:
            self._rights.note_refusal(call.caller, answer)
        return relayed(answer)

    async def _find(self, call: Call) -> Stored | None:
        job_id, key = call.parts["id"], call.parts["key"]
        return await self._search.find(call.caller, job_id) if is_job_id(job_id) and is_output_key(key) else None

    async def _no_output(self, call: Call) -> web.Response:
        await self._rights.may(call.caller, call.request.method, f"{job_path(NO_JOB)}/archive")
        return error(call.request, 404, 7, f"Job has no such output: {unquote(call.parts['key'])}")


async def _pump(
    upstream: aiohttp.ClientResponse, request: web.BaseRequest, response: web.StreamResponse
) -> web.StreamResponse:
    """Pass the body on as it comes; when the owner breaks off, so does the connection to the caller."""
    try:
        async for piece in upstream.content.iter_any():
            await response.write(piece)
    except (aiohttp.ClientPayloadError, aiohttp.SocketTimeoutError):
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response
