"""Holds up those who guess passwords, before an Orthanc is asked about the next one."""

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.auth.logins import Logins
from jobindex.errors import Refused
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
        """Pass it on; TooOften where the caller, or its address, has failed too often."""
        self._logins.check(caller)
        try:
            answer = await self._within.answer(request, caller)
        except Refused as refusal:
            if not refusal.known:
                self._learn(caller, refusal.status)
            raise
        self._learn(caller, answer.status)
        return answer

    def _learn(self, caller: Caller, status: int) -> None:
        if status == UNKNOWN_CALLER:
            self._logins.failed(caller)
        elif status in TAKEN:
            self._logins.succeeded(caller)
