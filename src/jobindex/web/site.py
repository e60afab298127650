"""Refuses what another site makes a browser send with the login that the browser keeps for us.

Law: such a request is answered before anything is asked of anybody, so it tells its sender nothing.  Programs other
than browsers send neither of the two headers, and pass.
"""

from collections.abc import Collection, Mapping

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.errors import ForeignSite
from jobindex.web.routes import Answering

CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
OURS = ("same-origin", "none")
"""What browsers call a request of our own pages, or of the person at the keyboard; a sibling site is a foreign one."""


class Site:
    """Lets pass what our own pages send, and those of the `friends`: origins such as https://portal.example.org."""

    def __init__(self, within: Answering, friends: Collection[str] = ()) -> None:
        self._within = within
        self._friends = frozenset(friends)

    async def answer(self, request: web.BaseRequest, caller: Caller) -> web.StreamResponse:
        """Pass on what reads, and what changes something unless another site is behind it."""
        if request.method not in CHANGES_NOTHING and self._is_foreign(request.headers):
            raise ForeignSite("A page of another site sent this; its origin would have to stand in JOBINDEX_ORIGINS")
        return await self._within.answer(request, caller)

    def _is_foreign(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("Origin")
        if origin in self._friends:
            return False
        if headers.get("Sec-Fetch-Site", "none") not in OURS:
            return True
        return origin is not None and not _is_at(origin, headers.get("Host", ""))


def _is_at(origin: str, host: str) -> bool:
    """Whether an origin (`https://host:port`, or `null` for one that won't say) is the host that was asked."""
    scheme, _, place = origin.lower().partition("://")
    return scheme in ("http", "https") and place == host.lower() != ""
