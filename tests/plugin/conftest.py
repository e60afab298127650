"""One node with the plugin in it, and the service it reports to."""

import importlib.util
import ssl
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .scripted_module import CHANGES, ScriptedModule
from .scripted_service import SECRET, ScriptedService

PLUGIN = Path(__file__).parents[2] / "deploy" / "orthanc" / "jobs_plugin.py"
QUICK = {
    "HEARTBEAT": 0.2,
    "BUSY_HEARTBEAT": 0.05,
    "AT_LEAST_BETWEEN": 0.02,
    "FAILED_AGE": 0.1,
    "SHORTEST_PAUSE": 0.01,
    "LONGEST_PAUSE": 0.05,
    "UNREAD_PATIENCE": 0.1,
    "UNREAD_PAUSE": 0.01,
    "LONGEST_UNREAD_PAUSE": 0.05,
    "NOT_YET_PATIENCE": 0.3,
    "EVERYTHING_SHARE": 1.0,
    "ROUND_SHARE": 1.0,
}
"""The plugin's intervals, in seconds, so that a test sees many of them."""


def until(true: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Wait until something is so; fails, naming it, where it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)


def load_plugin(orthanc: ScriptedModule, **intervals: float) -> Any:
    """Run the plugin's file with this `orthanc`, as Orthanc does at its start."""
    name = f"jobs_plugin_{uuid.uuid4().hex}"
    spec = importlib.util.spec_from_file_location(name, PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    plugin = importlib.util.module_from_spec(spec)
    sys.modules["orthanc"], sys.modules[name] = orthanc, plugin
    try:
        spec.loader.exec_module(plugin)
    finally:
        del sys.modules["orthanc"], sys.modules[name]
    vars(plugin).update({**QUICK, **intervals})
    return plugin


class Node:
    """A scripted Orthanc with the plugin in it."""

    def __init__(
        self,
        *services: ScriptedService,
        intervals: dict[str, float] | None = None,
        orthanc: dict[str, Any] | None = None,
        served: dict[str, Any] | None = None,
        **section: Any,
    ) -> None:
        """`orthanc` is the rest of Orthanc's configuration, `served` are options of its HTTP server."""
        urls = [service.url for service in services]
        told = {"Name": "left", **(orthanc or {}), "JobIndex": {"Urls": urls, "Secret": SECRET, **section}}
        self.orthanc = ScriptedModule(told)
        self.orthanc.serve(**(served or {}))
        self.plugin = load_plugin(self.orthanc, **(intervals or {}))

    def start(self) -> "Node":
        self.orthanc.change(CHANGES.ORTHANC_STARTED)
        return self

    def stop(self) -> None:
        self.orthanc.change(CHANGES.ORTHANC_STOPPED)

    def close(self) -> None:
        self.stop()
        self.orthanc.http.close()

    def logged(self, words: str) -> int:
        return sum(words in message for _, message in self.orthanc.log)


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "URLS SECRET SECRET_FILE INSECURE NODE_ID NODE_URL CA_FILE CERTIFICATE_FILE KEY_FILE SHARE_TOKEN"
    settings += " SELF_URL SELF_USER SELF_PASSWORD SELF_PASSWORD_FILE"
    for name in settings.split():
        monkeypatch.delenv(f"JOBINDEX_{name}", raising=False)


@pytest.fixture
def make_service() -> Iterator[Callable[..., ScriptedService]]:
    services: list[ScriptedService] = []

    def make(tls: ssl.SSLContext | None = None) -> ScriptedService:
        services.append(ScriptedService(tls))
        return services[-1]

    yield make
    for service in services:
        service.stop()
    assert [error for service in services for error in service.errors] == []


@pytest.fixture
def service(make_service: Callable[..., ScriptedService]) -> ScriptedService:
    return make_service()


@pytest.fixture
def make_node(service: ScriptedService) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(*services: ScriptedService, **settings: Any) -> Node:
        nodes.append(Node(*(services or (service,)), **settings))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    """A node that has just been started."""
    started: Node = make_node().start()
    return started
