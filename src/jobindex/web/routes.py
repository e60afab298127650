"""From a path to a door, as Orthanc does it: empty parts of a path don't count, and the method comes last.

Law: what a door gets from a path is what was sent.  An id has no character that needs an encoding, so an encoded one is
none, and no decoder after ours can read another path in it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NoReturn, Protocol
from urllib.parse import unquote

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.errors import NotIntroduced, ReadOnly, UnknownResource
from jobindex.web.answers import empty


@dataclass(frozen=True, slots=True)
class Call:
    """A request, who asks, and what stood in the open places of its path, as it was sent."""

    request: web.BaseRequest
    caller: Caller
    parts: Mapping[str, str] = field(default_factory=dict)


CHANGING = frozenset({"POST", "DELETE"})
"""Methods of the doors that change something; there are no others but GET."""

Door = Callable[[Call], Awaitable[web.StreamResponse]]
Gate = Callable[[Caller], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """A path, its doors by method, and whom a caller has to pass: nobody where the job's owner decides."""

    path: str
    doors: Mapping[str, Door]
    gate: Gate | None = None

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """What stands in the open places, or None where the path is another."""
        names = _names(self.path)
        if len(names) != len(parts):
            return None
        found: dict[str, str] = {}
        for name, part in zip(names, parts, strict=True):
            if name.startswith("{"):
                found[name[1:-1]] = part
            elif name != unquote(part):
                return None
        return found


@cache
def _names(path: str) -> Sequence[str]:
    return path.split("/")[1:]


ABSOLUTE_FORM = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
"""How a target begins that names a host too, as a proxy is asked: a server has to take it for its path."""


def path_of(target: str) -> str:
    """The path of a request's target as sent, without its query, which may hold a token."""
    host = ABSOLUTE_FORM.match(target)
    return target[host.end() if host else 0 :].split("?", maxsplit=1)[0]


def parts_of(path: str) -> list[str]:
    """The parts of a path as sent; an encoded slash parts nothing."""
    return [part for part in path.split("/") if part]


@dataclass(frozen=True, slots=True)
class Place:
    """What a path and a method lead to: a door and its gate; without a door, the methods that have one there."""

    path: str = ""
    """That of the route; "" where no door is."""
    parts: Mapping[str, str] = field(default_factory=dict)
    gate: Gate | None = None
    door: Door | None = None
    allowed: Sequence[str] = ()


MOST_PLACES = 1000
"""Places that are remembered, since who asks does so again: 8 MB where each path is as long as one may be."""


class Answering(Protocol):
    """What stands between a listener and its doors: the table itself, or what requests have to pass before it."""

    async def answer(self, request: web.BaseRequest, caller: Caller) -> web.StreamResponse: ...


Guard = Callable[[Answering], Answering]
"""Puts before the doors what has to be passed first."""


class Routes:
    """The table of one listener.  `otherwise` is the gate before saying what is not there, or not done: nothing is
    changed through a `read_only` one."""

    def __init__(self, routes: Sequence[Route], otherwise: Gate | None = None, *, read_only: bool = False) -> None:
        self._routes = routes
        self._otherwise = otherwise
        self._read_only = read_only
        self._place = lru_cache(MOST_PLACES)(self._look_up)

    def place(self, request: web.BaseRequest) -> Place:
        """What this request comes to; its query is not remembered."""
        return self._place(request.method, path_of(request.raw_path))

    async def answer(self, request: web.BaseRequest, caller: Caller) -> web.StreamResponse:
        """Let the caller through the gate, then to the door."""
        if caller.barred:
            raise NotIntroduced(caller.barred)
        if self._read_only and request.method in CHANGING:
            return await self._change_nothing(caller)
        place = self.place(request)
        if place.gate is not None:
            await place.gate(caller)
        if place.door is not None:
            return await place.door(Call(request, caller, place.parts))
        return _not_there(request, place.allowed)

    def _look_up(self, method: str, path: str) -> Place:
        allowed: list[str] = []
        parts = parts_of(path)
        for route in self._routes:
            found = route.match(parts)
            if found is None:
                continue
            if door := route.doors.get(method):
                return Place(route.path, found, route.gate, door)
            allowed += route.doors
        return Place(gate=self._otherwise, allowed=allowed)

    async def _change_nothing(self, caller: Caller) -> NoReturn:
        if self._otherwise is not None:
            await self._otherwise(caller)
        raise ReadOnly("This index only lists: it passes no action and no deletion on to any Orthanc")


def _not_there(request: web.BaseRequest, allowed: Sequence[str]) -> web.StreamResponse:
    """Orthanc takes HEAD for WebDAV and knows nothing there."""
    if request.method == "HEAD":
        return empty(404)
    if not allowed:
        raise UnknownResource("")
    order = [method for method in ("GET", "POST", "PUT", "DELETE") if method in allowed]
    return empty(405, {"Allow": ",".join(order)})
