"""The door to the list: every job of every Orthanc, from memory."""

from aiohttp import web

from jobindex import metrics
from jobindex.model.query import Question, read_question
from jobindex.service.encodings import CODINGS
from jobindex.service.freshness import Freshness
from jobindex.service.listing import Listing, tag_of
from jobindex.service.refresh import Refresh
from jobindex.service.view import View
from jobindex.web.answers import empty, json_answer
from jobindex.web.codings import accepted
from jobindex.web.routes import Call

OURS = tuple(CODINGS)


class ListDoor:
    """`/jobs`.  `always_refresh` asks the nodes first, also where the caller doesn't."""

    def __init__(
        self, view: View, listing: Listing, freshness: Freshness, refresh: Refresh, *, always_refresh: bool
    ) -> None:
        self._view = view
        self._listing = listing
        self._freshness = freshness
        self._refresh = refresh
        self._always_refresh = always_refresh

    async def get(self, call: Call) -> web.StreamResponse:
        """GET /jobs"""
        headers = call.request.headers
        question = read_question(call.request.rel_url.query.items())
        if self._always_refresh or "no-cache" in headers.get("Cache-Control", ""):
            await self._refresh.refresh(call.caller)
        told = {"Vary": "Accept-Encoding"}
        if not await self._freshness.catch_up():
            metrics.stale.inc()
            told["X-Job-Index"] = f"stale; age={self._view.age:.0f}"
        coding = accepted(headers.get("Accept-Encoding", ""), OURS)
        if known := self._known(question, coding, headers.get("If-None-Match", "")):
            return empty(304, {**told, "ETag": known})
        coding, told["ETag"], body = await self._listing.encoded(question, coding)
        if coding:
            told["Content-Encoding"] = coding
        return json_answer(body, headers=told)

    def _known(self, question: Question, coding: str, known: str) -> str:
        """The tag by which the caller has this answer already, in its coding or as it is; "" where it has not."""
        if not known:
            return ""
        tag, _ = self._listing.answer(question)
        return next((each for each in (tag_of(tag, coding), tag) if each in known), "")
