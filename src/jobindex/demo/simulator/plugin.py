"""Runs a Python plugin in a simulated Orthanc: the file as it is, with a stand-in for `orthanc`.

As in Orthanc, events reach the plugin on one thread of their own, in order, and never wait for it.
"""

import http.client
import importlib.util
import json
import logging
import queue
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

from jobindex.demo.simulator.asking import NotRunning
from jobindex.demo.simulator.errors import BAD_SEQUENCE_OF_CALLS, MESSAGES, UNKNOWN_RESOURCE
from jobindex.demo.simulator.router import Answer

log = logging.getLogger(__name__)

CHANGES = {
    "OrthancStarted": 10,
    "OrthancStopped": 11,
    "JobSubmitted": 16,
    "JobSuccess": 17,
    "JobFailure": 18,
}
NO_RESOURCE = 4
"""`ResourceType.NONE`: a job is no resource."""

loading = threading.Lock()
"""Held while a plugin is loaded: it finds its own `orthanc` under the one name that all share."""


def _refuse(*arguments: object, **options: object) -> NoReturn:
    raise ConnectionRefusedError


NO_NETWORK = SimpleNamespace(
    client=SimpleNamespace(
        HTTPConnection=_refuse,
        HTTPSConnection=_refuse,
        HTTPException=http.client.HTTPException,
    )
)
"""What a plugin finds under the name `http` when its Orthanc has crashed; it has no other way out."""

Ask = Callable[[str], Answer]
Listener = Callable[[int, int, str], None]


class OrthancException(Exception):
    """What the plugins' interface raises: an error number, and what it means."""


class PluginHost:
    """One plugin in one incarnation; `ask` answers a path from any thread."""

    def __init__(self, path: Path, configuration: dict[str, Any], ask: Ask, admit: Callable[[str], None]) -> None:
        self._path = path
        self._module_name = f"orthanc_plugin_{uuid.uuid4().hex}"
        self._listeners: list[Listener] = []
        self._events: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._deliver, name="plugin events", daemon=True)
        self._orthanc = _build_orthanc(configuration, ask, admit, self._listeners)

    def load(self) -> None:
        """Run the file; call it outside the event loop, since it may ask questions."""
        spec = importlib.util.spec_from_file_location(self._module_name, self._path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(self._path)
        self._module = importlib.util.module_from_spec(spec)
        with loading:
            sys.modules["orthanc"] = self._orthanc
            sys.modules[self._module_name] = self._module
            try:
                spec.loader.exec_module(self._module)
            finally:
                del sys.modules["orthanc"]
        self._thread.start()

    def announce(self, change: str, resource: str = "") -> None:
        """Queue an event and return at once."""
        self._events.put((change, resource))

    def stop(self) -> None:
        """Say that Orthanc stops, and wait until the plugin has taken it; blocks."""
        self.announce("OrthancStopped")
        self._events.put(None)
        self._thread.join()
        self._unload()

    def abandon(self) -> None:
        """Let no word of the plugin out any more; only then let it stop, so that it ends its threads."""
        vars(self._module)["http"] = NO_NETWORK
        while not self._events.empty():
            self._events.get()
        self.announce("OrthancStopped")
        self._events.put(None)
        self._unload()

    def _unload(self) -> None:
        sys.modules.pop(self._module_name, None)

    def _deliver(self) -> None:
        while (event := self._events.get()) is not None:
            change, resource = event
            for listener in self._listeners:
                self._tell(listener, change, resource)

    def _tell(self, listener: Listener, change: str, resource: str) -> None:
        try:
            listener(CHANGES[change], NO_RESOURCE, resource)
        except Exception:
            log.exception("the plugin failed at %s", change)


def _build_orthanc(
    configuration: dict[str, Any], ask: Ask, admit: Callable[[str], None], listeners: list[Listener]
) -> ModuleType:
    """Make the module that the plugin imports, with what plugin 4.0 has and a jobs plugin needs."""
    module = ModuleType("orthanc")

    def rest_api_get(uri: str) -> bytes:
        try:
            answer = ask(uri)
        except NotRunning as error:
            raise OrthancException(BAD_SEQUENCE_OF_CALLS, MESSAGES[BAD_SEQUENCE_OF_CALLS]) from error
        if answer.status != 200:
            raise OrthancException(UNKNOWN_RESOURCE, MESSAGES[UNKNOWN_RESOURCE])
        return answer.body

    def generate_token() -> str:
        token = f"Bearer {uuid.uuid4()}"
        admit(token)
        return token

    members = {
        "OrthancException": OrthancException,
        "ChangeType": SimpleNamespace(**{_constant(name): number for name, number in CHANGES.items()}),
        "ResourceType": SimpleNamespace(NONE=NO_RESOURCE),
        "RestApiGet": rest_api_get,
        "GetConfiguration": lambda: json.dumps(configuration),
        "GenerateRestApiAuthorizationToken": generate_token,
        "RegisterOnChangeCallback": listeners.append,
        "LogError": log.error,
        "LogWarning": log.warning,
        "LogInfo": log.info,
    }
    vars(module).update(members)
    return module


def _constant(name: str) -> str:
    """`JobSubmitted` is `JOB_SUBMITTED` in the plugins' interface."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_")
