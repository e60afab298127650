"""The token of an Orthanc opens all of it and can't be revoked: it stays inside, unless the operator says otherwise."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule
from .scripted_service import ScriptedService

SECTION = {"Urls": ["http://a:8001"], "Secret": "s"}


@pytest.fixture
def plugin() -> Any:
    return load_plugin(ScriptedModule({}))


def lived(node: Node, service: ScriptedService) -> Node:
    """Registered twice, with an event and a complete report between."""
    node.start()
    until(service.complete, "a complete report")
    node.orthanc.happen("JobSuccess", 1)
    service.order(Register=True)
    until(lambda: len(service.registrations()) == 2, "a second registration")
    return node


@pytest.mark.parametrize("section", [{}, {"ShareToken": False}, {"ShareToken": "false"}])
def test_no_token_ever_leaves_unless_the_operator_says_so(
    make_node: Callable[..., Node], service: ScriptedService, section: dict[str, Any]
) -> None:
    node = lived(make_node(**section), service)
    node.stop()
    (token,) = node.orthanc.tokens
    assert token not in json.dumps(service.seen)
    assert not any("Token" in report["Register"] for report in service.registrations())
    assert node.logged(token) == 0


def test_where_the_operator_says_so_one_token_is_given_with_each_registration(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    node = lived(make_node(ShareToken=True), service)
    (token,) = node.orthanc.tokens
    assert [report["Register"]["Token"] for report in service.registrations()] == [token, token]
    others = [report for report in service.seen if "Register" not in report]
    assert others
    assert token not in json.dumps(others)
    assert (node.logged("administrator's key"), node.logged(token)) == (1, 0)


def test_in_a_report_that_is_not_signed_no_token_is_given(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    service.secret = ""
    node = make_node(ShareToken=True, Secret="", Insecure=True).start()
    until(service.complete, "a complete report")
    assert not any(token in json.dumps(service.seen) for token in node.orthanc.tokens)


def test_each_incarnation_has_a_token_of_its_own(make_node: Callable[..., Node], service: ScriptedService) -> None:
    node = make_node(ShareToken=True).start()
    until(service.registrations, "the registration")
    node.stop()
    node.start()
    until(lambda: len(service.registrations()) == 2, "another incarnation")
    assert [report["Register"]["Token"] for report in service.registrations()] == node.orthanc.tokens
    assert len(set(node.orthanc.tokens)) == 2


def test_where_others_could_read_it_no_token_is_given_and_it_is_said_why(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    node = make_node(ShareToken=True)
    vars(node.plugin).update(is_private=lambda url: False)
    lived(node, service)
    assert not any(token in json.dumps(service.seen) for token in node.orthanc.tokens)
    assert not any("Token" in report["Register"] for report in service.registrations())
    assert node.logged(f"the token is not shared with {service.url}: that takes https, or a loopback address")


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://replica-1:8001", True),
        ("http://127.0.0.1:8001", True),
        ("http://127.8.0.1", True),
        ("http://localhost:8001", True),
        ("http://[::1]:8001", True),
        ("http://replica-1:8001", False),
        ("http://10.0.0.1:8001", False),
        ("http://127.0.0.1.example:8001", False),
        ("http://localhost.example", False),
        ("http://[fe80::1]:8001", False),
        ("http://0.0.0.0:8001", False),
        ("http://[::ffff:10.0.0.1]:8001", False),
    ],
)
def test_only_tls_and_this_machine_are_private(plugin: Any, url: str, private: bool) -> None:
    assert plugin.is_private(urlsplit(url)) is private


@pytest.mark.parametrize(
    ("section", "environment", "shares"),
    [
        ({}, {}, False),
        ({"ShareToken": None}, {}, False),
        ({"ShareToken": True}, {}, True),
        ({"ShareToken": "True"}, {}, True),
        ({"ShareToken": True}, {"JOBINDEX_SHARE_TOKEN": "false"}, False),
        ({}, {"JOBINDEX_SHARE_TOKEN": " true\n"}, True),
    ],
)
def test_the_operator_s_word(plugin: Any, section: dict[str, Any], environment: dict[str, str], shares: bool) -> None:
    told = {"JobIndex": {**SECTION, **section}}
    assert plugin.read_settings(told, environment).share_token is shares


@pytest.mark.parametrize("word", ["yes", "1", "on", 1])
def test_any_other_word_is_an_error(plugin: Any, word: object) -> None:
    with pytest.raises(ValueError, match="ShareToken"):
        plugin.read_settings({"JobIndex": {**SECTION, "ShareToken": word}}, {})
