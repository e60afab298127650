"""Which calls of Orthanc's module the plugin makes: those of its list, and none that reads what Orthanc has."""

import ast
from collections.abc import Iterator

import pytest

from .conftest import PLUGIN, Node, load_plugin, until
from .scripted_module import ScriptedModule
from .scripted_service import ScriptedService

ALLOWED = {
    "RegisterOnChangeCallback",
    "GetConfiguration",
    "GetConfigurationPath",
    "GenerateRestApiAuthorizationToken",
    "LogError",
    "LogWarning",
    "LogInfo",
}
"""Whoever adds to these has looked at what Orthanc does in the call, on every release."""


def used(source: str) -> Iterator[str]:
    """Every use of the module: the member's name, and `?` where it is used otherwise than by a member."""
    tree = ast.parse(source)
    bases = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="orthanc"), attr=name):
                yield name
            case ast.Name(id="orthanc") if id(node) not in bases:
                yield "?"
            case ast.ImportFrom(module="orthanc"):
                yield "?"
            case ast.Import(names=names) if any(each.name == "orthanc" and each.asname for each in names):
                yield "?"


def test_plugin_only_calls_of_the_list_are_made() -> None:
    assert set(used(PLUGIN.read_text(encoding="utf-8"))) <= ALLOWED | {"ChangeType"}


def test_plugin_the_list_is_in_the_plugin_with_reasons() -> None:
    listed = load_plugin(ScriptedModule({})).SDK_CALLS
    assert set(listed) == ALLOWED
    assert all(len(reason) > 5 for reason in listed.values())


@pytest.mark.parametrize(
    "line",
    ["getattr(orthanc, name)", "from orthanc import LogInfo", "import orthanc as o", "call = vars(orthanc)"],
)
def test_no_way_around_the_list_is_overlooked(line: str) -> None:
    assert "?" in set(used(line))


def test_plugin_no_job_is_read_through_the_module(node: Node, service: ScriptedService) -> None:
    """Over a whole life: registration, events, rounds, what the service wants, the goodbye."""
    until(service.complete, "a complete report")
    jobs = [node.orthanc.happen(kind, number) for number, kind in enumerate(("JobSubmitted", "JobSuccess"))]
    until(lambda: all(service.states(job) for job in jobs), "both jobs")
    node.orthanc.set_job(0, "Running", Progress=40)
    service.order(Everything=True, Wanted=jobs)
    until(lambda: "Running" in service.states(jobs[0]), "progress")
    node.orthanc.happen("JobFailure", 2, evicted=True)
    until(service.events, "the event of a forgotten job")
    node.stop()
    assert set(node.orthanc.called) <= ALLOWED
