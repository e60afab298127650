"""The doors to one job: reading it, deleting it, acting on it."""

import asyncio
from urllib.parse import unquote

from aiohttp import web

from jobindex.model.job import is_job_id
from jobindex.orthanc.wire import action_path, job_path
from jobindex.service.actions import Actions
from jobindex.service.listing import Listing
from jobindex.service.reader import Reader
from jobindex.service.removal import Removal
from jobindex.service.rights import NO_JOB, Rights
from jobindex.service.search import Search
from jobindex.web.answers import done, empty, error, json_answer, relayed
from jobindex.web.routes import Call, Door


class JobsDoor:
    """`/jobs/{id}` and the actions."""

    def __init__(
        self,
        listing: Listing,
        rights: Rights,
        search: Search,
        reader: Reader,
        actions: Actions,
        removal: Removal,
    ) -> None:
        self._listing = listing
        self._rights = rights
        self._search = search
        self._reader = reader
        self._actions = actions
        self._removal = removal

    async def get(self, call: Call) -> web.StreamResponse:
        """GET /jobs/{id}"""
        job_id = call.parts["id"]
        if not is_job_id(job_id):
            await self._rights.may(call.caller, "GET", job_path(NO_JOB))
            return empty(404)
        job = await self._reader.read(call.caller, job_id)
        if job is None:
            return empty(404)
        return json_answer(self._listing.job(job))

    async def delete(self, call: Call) -> web.StreamResponse:
        """DELETE /jobs/{id}"""
        job_id = call.parts["id"]
        job = await self._search.find(call.caller, job_id) if is_job_id(job_id) else None
        if job is None:
            await self._rights.may(call.caller, "DELETE", job_path(NO_JOB))
            return error(call.request, 404, 7, f"No job found with this id: {unquote(job_id)}")
        refusal = await asyncio.shield(self._removal.remove(call.caller, job))
        return done() if refusal is None else relayed(call.request, refusal)

    def action(self, name: str) -> Door:
        """POST /jobs/{id}/{name}"""

        async def act(call: Call) -> web.StreamResponse:
            return await self._act(call, call.parts["id"], name)

        return act

    async def _act(self, call: Call, job_id: str, name: str) -> web.StreamResponse:
        caller = call.caller
        job = await self._search.find(caller, job_id) if is_job_id(job_id) else None
        if job is None:
            await self._rights.may(caller, "POST", action_path(NO_JOB, name))
            return empty(400)
        # A caller that hangs up doesn't undo what was sent; what came of it is still taken in.
        answer = await asyncio.shield(self._actions.act(caller, job, name))
        if answer.refuses:
            await self._rights.refuse(caller, job.record.node, answer)
        return relayed(call.request, answer)
