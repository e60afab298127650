"""The door to the list: every job of every Orthanc, from memory."""

from dataclasses import replace

from aiohttp import web

from jobindex import metrics
from jobindex.auth.caller import Caller
from jobindex.model.query import Question, read_question
from jobindex.service.encodings import CODINGS
from jobindex.service.freshness import Freshness
from jobindex.service.listing import Listing
from jobindex.service.refresh import Refresh
from jobindex.service.rights import Rights
from jobindex.service.view import View
from jobindex.web.answers import empty, json_answer
from jobindex.web.codings import accepted
from jobindex.web.polls import ASKED, Asked
from jobindex.web.routes import Call

OURS = tuple(CODINGS)


class ListDoor:
    """`/jobs`.  The nodes are asked first where the caller wants it, around a submission, or `always_refresh`."""

    def __init__(
        self,
        view: View,
        listing: Listing,
        rights: Rights,
        freshness: Freshness,
        refresh: Refresh,
        *,
        always_refresh: bool,
    ) -> None:
        self._view = view
        self._listing = listing
        self._rights = rights
        self._freshness = freshness
        self._refresh = refresh
        self._always_refresh = always_refresh

    async def get(self, call: Call) -> web.StreamResponse:
        """GET /jobs"""
        request = call.request
        asked = _asked(request)
        refreshed = self._always_refresh or "no-cache" in request.headers.get("Cache-Control", "")
        if refreshed:
            await self._refresh.refresh(call.caller)
        fresh = await self._freshness.catch_up()
        if self._freshness.submitting and not refreshed:
            await self._refresh.refresh(call.caller)
            fresh = await self._freshness.catch_up()
        asked = replace(asked, question=await self._visible_to(call.caller, asked.question))
        answer, coding = await self._answer(asked)
        if not fresh:
            metrics.stale.inc()
            answer.headers["X-Job-Index"] = self._stale()
        elif not refreshed and coding == asked.coding:
            request[ASKED] = asked
        return answer

    def _stale(self) -> str:
        """That what is shown may be old, why, and since when."""
        return f"stale; {'reason=OOM; ' if self._view.full_index else ''}age={self._view.age:.0f}"

    async def _visible_to(self, caller: Caller, question: Question) -> Question:
        """The question without the jobs of the nodes that refuse this caller, asked as late as can be."""
        return replace(question, hidden=await self._rights.hidden_from(caller))

    async def _answer(self, asked: Asked) -> tuple[web.Response, str]:
        """The answer and the coding of its body, which is none where one would be of no use."""
        told = {"Vary": "Accept-Encoding"}
        if same := self._listing.known(asked.question, asked.coding, asked.known):
            return empty(304, {**told, "ETag": same}), asked.coding
        coding, told["ETag"], body = await self._listing.encoded(asked.question, asked.coding)
        if coding:
            told["Content-Encoding"] = coding
        return json_answer(body, headers=told), coding


def _asked(request: web.BaseRequest) -> Asked:
    headers = request.headers
    coding = accepted(headers.get("Accept-Encoding", ""), OURS)
    return Asked(read_question(request.rel_url.query.items()), coding, headers.get("If-None-Match", ""))
