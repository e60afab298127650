"""Login throttling on a listener: a guess that has to wait gets 429 before an Orthanc is asked about the next one."""

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.auth.logins import Logins
from jobindex.errors import JobIndexError, Refused
from jobindex.web.routes import Answering

UNKNOWN_CALLER = 401
TAKEN = (200, 304)
"""Answers that nobody gets whose credentials were not taken."""


class Guesses:
    """Passes on what is no guess, and learns from Orthanc's answer what was one."""

    def __init__(self, within: Answering, logins: Logins) -> None:
        self._within = within
        self._logins = logins

    async def answer(self, request: web.BaseRequest, caller: Caller) -> web.StreamResponse:
        """Pass it on; TooOften where the caller's user name, or its address, has failed too often."""
        async with self._logins.attempt(caller) as outcome:
            outcome.failed = True
            try:
                answer = await self._within.answer(request, caller)
            except Refused as refusal:
                outcome.failed = refusal.status == UNKNOWN_CALLER and not refusal.known
                raise
            except JobIndexError:
                outcome.failed = False
                raise
            outcome.failed, outcome.accepted = answer.status == UNKNOWN_CALLER, answer.status in TAKEN
            return answer
