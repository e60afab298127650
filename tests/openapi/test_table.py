"""The document names every path and method of the two route tables, each at its listener, and no other."""

from collections.abc import Iterator

import pytest
import yaml

from jobindex.web.routes import Routes
from jobindex.wiring import doors

from ..unit.web.replica import replica_on
from .answers import DOCUMENT

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

Served = set[tuple[str, str, str]]
"""A listener, a method, a path."""


def served(listener: str, routes: Routes) -> Iterator[tuple[str, str, str]]:
    return ((listener, method, route.path) for route in routes._routes for method in route.doors)


def documented() -> Iterator[tuple[str, str, str]]:
    for path, item in yaml.safe_load(DOCUMENT.read_text())["paths"].items():
        for method in METHODS & item.keys():
            (tag,) = item[method]["tags"]
            yield "public" if tag == "public" else "internal", method.upper(), path


@pytest.fixture
async def tables(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Those that a replica has given to its listeners, with all switches on."""
    built: list[Routes] = []

    class Noted(Routes):
        def __init__(self, *given: object, **more: object) -> None:
            super().__init__(*given, **more)  # type: ignore[arg-type]
            built.append(self)

    monkeypatch.setattr(doors, "Routes", Noted)
    async with replica_on(redis_url, sample_routes=True):
        public, internal = sorted(built, key=lambda routes: "/metrics" in [route.path for route in routes._routes])
    return {*served("public", public), *served("internal", internal)}


def test_every_route_is_documented_and_nothing_else(tables: Served) -> None:
    assert set(documented()) == tables


def test_each_path_names_its_own_listener() -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    (public,) = document["servers"]
    for path, item in document["paths"].items():
        (server,) = item.get("servers", document["servers"])
        tags = {tag for method in METHODS & item.keys() for tag in item[method]["tags"]}
        assert (server == public) == (tags == {"public"}), path
