"""CSRF protection: refuses what another site makes a browser send with the login that the browser keeps for us.

Law: such a request is answered before anything is asked of anybody, so it tells its sender nothing.  Programs other
than browsers send neither of the two headers, and pass.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import NoReturn

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.errors import ForeignSite
from jobindex.web.routes import Answering

CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
DEFAULT_PORTS = ("", "80", "443")
"""Ports that a browser leaves out; a front that speaks TLS for us may ask for another of them than it was asked for."""
ORIGIN = re.compile(r"https?://[A-Za-z0-9.:_\[\]-]{1,200}", re.ASCII)
"""An origin that may be repeated in an answer."""


class Site:
    """Lets pass what our own pages send, and those of the `friends`: origins such as https://portal.example.org.

    `believes` tells whether a peer is a trusted proxy, whose word on the host that was asked counts.
    """

    def __init__(
        self, within: Answering, friends: Collection[str] = (), believes: Callable[[str], bool] = lambda peer: False
    ) -> None:
        self._within = within
        self._friends = frozenset(friends)
        self._believes = believes

    async def answer(self, request: web.BaseRequest, caller: Caller) -> web.StreamResponse:
        """Pass on what reads, and what changes something unless another site is behind it."""
        if request.method not in CHANGES_NOTHING and self._is_foreign(request):
            self._refuse(request.headers.get("Origin", ""))
        return await self._within.answer(request, caller)

    def _is_foreign(self, request: web.BaseRequest) -> bool:
        """A browser's own word counts first: it knows what it asked, whatever a front made of the host.

        It gives that word over TLS only, so else the origin has to be the host.
        """
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        if origin in self._friends or site == "same-origin":
            return False
        if site != "none":
            return True
        return origin is not None and not any(_is_at(origin, host) for host in self._hosts(request))

    def _hosts(self, request: web.BaseRequest) -> Iterable[str]:
        yield request.headers.get("Host", "")
        if self._believes(request.remote or ""):
            for told in request.headers.getall("X-Forwarded-Host", []):
                yield from told.split(",")

    def _refuse(self, origin: str) -> NoReturn:
        if not ORIGIN.fullmatch(origin):
            raise ForeignSite("A page of another site sent this, and named no origin for JOBINDEX_ORIGINS")
        value = f"JOBINDEX_ORIGINS='{json.dumps([origin])}'"
        more = " (with those that stand there)" if self._friends else ""
        raise ForeignSite(f"A page of {origin} sent this, which is another site: if it is yours, set {value}{more}")


def _is_at(origin: str, host: str) -> bool:
    """Whether an origin (`https://host:port`, or `null` for one that won't say) is the host that was asked."""
    scheme, _, place = origin.lower().partition("://")
    return scheme in ("http", "https") and _placed(place) == _placed(host.strip().lower()) != ("", "")


def _placed(authority: str) -> tuple[str, str]:
    """The host and its port, "" for a default one."""
    host, colon, port = authority.rpartition(":")
    if not colon or not (port.isdecimal() or not port):
        return authority, ""
    return host, "" if port in DEFAULT_PORTS else port
