"""From a path to a door, as Orthanc does it: empty parts of a path don't count, and the method comes last."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote

from aiohttp import web

from jobindex.auth.caller import Caller
from jobindex.errors import UnknownResource
from jobindex.web.answers import empty


@dataclass(frozen=True, slots=True)
class Call:
    """A request, who asks, and what stood in the open places of its path (decoded)."""

    request: web.BaseRequest
    caller: Caller
    parts: Mapping[str, str] = field(default_factory=dict)


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
            elif name != part:
                return None
        return found


@cache
def _names(path: str) -> Sequence[str]:
    return path.split("/")[1:]


def parts_of(raw_path: str) -> list[str]:
    """The parts of a path as sent, each decoded by itself, so that an encoded slash parts nothing."""
    return [unquote(part) for part in raw_path.split("?", maxsplit=1)[0].split("/") if part]


class Routes:
    """The table of one listener.  `otherwise` is the gate before saying what is not there."""

    def __init__(self, routes: Sequence[Route], otherwise: Gate | None = None) -> None:
        self._routes = routes
        self._otherwise = otherwise

    async def answer(self, request: web.BaseRequest, caller: Caller) -> web.StreamResponse:
        """Let the caller through the gate, then to the door."""
        allowed: list[str] = []
        parts = parts_of(request.raw_path)
        for route in self._routes:
            found = route.match(parts)
            if found is None:
                continue
            door = route.doors.get(request.method)
            if door is not None:
                if route.gate is not None:
                    await route.gate(caller)
                return await door(Call(request, caller, found))
            allowed += route.doors
        if self._otherwise is not None:
            await self._otherwise(caller)
        return _not_there(request, allowed)


def _not_there(request: web.BaseRequest, allowed: list[str]) -> web.StreamResponse:
    """Orthanc takes HEAD for WebDAV and knows nothing there."""
    if request.method == "HEAD":
        return empty(404)
    if not allowed:
        raise UnknownResource("")
    order = [method for method in ("GET", "POST", "PUT", "DELETE") if method in allowed]
    return empty(405, {"Allow": ",".join(order)})
