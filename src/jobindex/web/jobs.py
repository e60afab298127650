"""The doors to one job: reading it, deleting it, acting on it."""

import asyncio
from urllib.parse import unquote

from aiohttp import web

from jobindex.model.job import is_job_id
from jobindex.model.job_stream import JobStream
from jobindex.orthanc.output import Output
from jobindex.orthanc.wire import Answer, action_path, job_path
from jobindex.service.actions import Actions
from jobindex.service.listing import Listing
from jobindex.service.reader import Reader, is_cut
from jobindex.service.removal import Removal
from jobindex.service.rights import NO_JOB, Rights
from jobindex.service.search import Search
from jobindex.service.whole_jobs import WholeJobs, as_told, kind_of
from jobindex.store.jobs import Stored
from jobindex.web.answers import done, empty, error, json_answer, relayed
from jobindex.web.routes import Call, Door
from jobindex.web.whole import pass_whole


class JobsDoor:
    """`/jobs/{id}` and the actions; without `whole_jobs` nobody is shown more of a job than is kept."""

    def __init__(
        self,
        listing: Listing,
        rights: Rights,
        search: Search,
        reader: Reader,
        actions: Actions,
        removal: Removal,
        whole_jobs: WholeJobs | None,
    ) -> None:
        self._listing = listing
        self._rights = rights
        self._search = search
        self._reader = reader
        self._actions = actions
        self._removal = removal
        self._whole_jobs = whole_jobs

    async def get(self, call: Call) -> web.StreamResponse:
        """GET /jobs/{id}"""
        job_id = call.parts["id"]
        if not is_job_id(job_id):
            await self._rights.may(call.caller, "GET", job_path(NO_JOB))
            return empty(404)
        job = await self._reader.read(call.caller, job_id)
        if job is None:
            return empty(404)
        if self._whole_jobs is not None and is_cut(job):
            return await self._whole(call, job, self._whole_jobs)
        return json_answer(self._listing.job(job))

    async def _whole(self, call: Call, job: Stored, whole_jobs: WholeJobs) -> web.StreamResponse:
        """The owner's whole text, else what is kept of it."""
        ending = self._listing.job(as_told(job)).strip(b"{,")[:-1]
        stream = JobStream(kind_of(job), ending)
        async with whole_jobs.opened(call.caller, job) as found:
            if isinstance(found, Output) and (response := await pass_whole(found, call.request, stream)):
                await whole_jobs.note(job, stream.members)
                return response
        answer = found if isinstance(found, Answer) else None
        shown = await self._reader.told(call.caller, job, answer)
        return empty(404) if shown is None else json_answer(self._listing.job(shown))

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
