"""Where the plugin reports, with which secret and as whom; without that it stays idle and Orthanc goes on."""

import hashlib
import json
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule
from .scripted_service import ScriptedService

SECTION = {"Urls": ["http://a:8001"], "Secret": "s"}


@pytest.fixture
def plugin() -> Any:
    return load_plugin(ScriptedModule({}))


def read(plugin: Any, section: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Any:
    return plugin.read_settings({"Name": "left", "JobIndex": section}, environment or {})


def test_the_section_is_read(plugin: Any) -> None:
    settings = read(
        plugin, {**SECTION, "Urls": ["http://a:8001/", "https://b"], "NodeId": "left", "NodeUrl": "http://l:1"}
    )
    assert [url.geturl() for url in settings.urls] == ["http://a:8001", "https://b"]
    assert (settings.secret.key, settings.node, settings.registration["Url"]) == (b"s", "left", "http://l:1")


def test_the_environment_wins(plugin: Any) -> None:
    environment = {
        "JOBINDEX_URLS": "http://c:1, http://d:2",
        "JOBINDEX_SECRET": " other\n",
        "JOBINDEX_NODE_ID": "right",
        "JOBINDEX_NODE_URL": "http://r:1",
    }
    settings = read(plugin, {**SECTION, "SecretFile": "/nowhere", "NodeId": "left"}, environment)
    assert [url.netloc for url in settings.urls] == ["c:1", "d:2"]
    assert (settings.secret.key, settings.node, settings.registration["Url"]) == (b"other", "right", "http://r:1")


@pytest.mark.parametrize("where", ["section", "environment"])
def test_the_secret_may_be_in_a_file(plugin: Any, tmp_path: Path, where: str) -> None:
    file = tmp_path / "secret"
    file.write_text("  gehëim\n", encoding="utf-8")
    section = {**SECTION, "SecretFile": str(file)} if where == "section" else SECTION
    environment = {"JOBINDEX_SECRET_FILE": str(file)} if where == "environment" else {}
    assert read(plugin, section, environment).secret.key == "gehëim".encode()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"Urls": ["http://a:8001"]}, "no cluster secret"),
        ({"Urls": ["http://a:8001"], "Secret": "  "}, "no cluster secret"),
        ({"Urls": ["http://a:8001"], "SecretFile": "/nowhere/secret"}, "/nowhere/secret"),
        ({"Urls": ["http://a:8001"], "SecretFile": "/dev/null", "Insecure": True}, "no cluster secret"),
        ({"Urls": ["http://a:8001"], "Insecure": "no"}, "no cluster secret"),
        ({"Urls": ["https://a"], "Secret": "s", "CertificateFile": "/nowhere/c"}, "No such file"),
        ({"Secret": "s"}, "http(s)://host:port"),
        ({"Urls": ["ftp://a"], "Secret": "s"}, "http(s)://host:port"),
        ({"Urls": ["a:8001"], "Secret": "s"}, "http(s)://host:port"),
        ({"Urls": ["http://user:canary@a:8001"], "Secret": "s"}, "http(s)://host:port"),
        ({"Urls": ["http://a:port"], "Secret": "s"}, "Port could not be cast"),
        ({"Urls": ["https://a"], "Secret": "s", "CaFile": "/nowhere/ca"}, "/nowhere/ca"),
        (None, "http(s)://host:port"),
    ],
)
def test_what_is_missing_is_logged_once(section: dict[str, Any] | None, said: str) -> None:
    node = Node()
    told = json.dumps({"JobIndex": section} if section is not None else {})
    vars(node.orthanc).update(GetConfiguration=lambda: told)
    node.start()
    node.orthanc.happen("JobSuccess", 1)
    assert [level for level, message in node.orthanc.log if said in message] == ["Error"]
    assert len(node.orthanc.log) == 1
    assert node.orthanc.asked == []
    node.close()


def test_the_first_of_several_secrets_is_what_reports_are_signed_with(plugin: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("\n  new \nold\n")
    assert read(plugin, {**SECTION, "SecretFile": str(file)}).secret.key == b"new"


def test_the_secret_is_read_again_when_its_file_changed(plugin: Any, tmp_path: Path) -> None:
    file, now = tmp_path / "secret", [0.0]
    file.write_text("old")
    secret = plugin.Secret(b"", file, lambda: now[0])

    def after_a_second() -> bytes:
        now[0] += plugin.SECRET_EVERY
        key: bytes = secret.key
        return key

    file.write_text("new\nold")
    assert secret.key == b"old"
    assert after_a_second() == b"new"
    file.write_text("\n")
    assert after_a_second() == b"new"
    file.unlink()
    assert after_a_second() == b"new"
    file.write_text("newest")
    assert after_a_second() == b"newest"


@pytest.mark.parametrize(
    ("section", "environment"), [({"Insecure": True}, {}), ({}, {"JOBINDEX_INSECURE": "true"}), ({"Insecure": "1"}, {})]
)
def test_without_a_secret_it_has_to_be_asked_for(
    plugin: Any, section: dict[str, Any], environment: dict[str, str]
) -> None:
    assert read(plugin, {"Urls": ["http://a:8001"], **section}, environment).secret.key == b""


def test_the_secret_is_never_shown(plugin: Any) -> None:
    assert "geheim" not in repr(read(plugin, {**SECTION, "Secret": "geheim"}))


@pytest.mark.parametrize(
    ("configured", "orthanc_json", "node"),
    [
        ("left-1", {}, "left-1"),
        ("links außen", {}, "links-au-en"),
        (None, {"Name": "My Orthanc", "HttpPort": 8043}, "My-Orthanc-{host}-8043"),
        (None, {}, "Orthanc-{host}-8042"),
        ("x" * 64, {}, "x" * 64),
    ],
)
def test_the_node_s_id(plugin: Any, configured: str | None, orthanc_json: dict[str, Any], node: str) -> None:
    host = socket.gethostname()
    settings = plugin.read_settings({**orthanc_json, "JobIndex": {**SECTION, "NodeId": configured}}, {})
    assert settings.node == node.format(host=host)[:64]


@pytest.mark.parametrize("name", ["n" * 65, "orthanc-" * 20 + "a", "größer-" * 10])
def test_in_use_a_long_id_is_cut_with_a_digest_and_it_is_said(plugin: Any, name: str) -> None:
    """So that two that begin alike remain two."""
    orthanc = ScriptedModule({})
    cut = load_plugin(orthanc).read_settings({"JobIndex": {**SECTION, "NodeId": name}}, {}).node
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    assert cut == f"{plain[:51]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    assert len(cut) == 64
    assert [cut in message for _, message in orthanc.log] == [True]


def test_in_use_two_nodes_whose_long_ids_begin_alike_are_two(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    for end in "ab":
        make_node(NodeId="x" * 70 + end).start()
    until(lambda: len(service.registrations()) == 2, "both are registered")
    assert len(set(service.paths)) == 2


@pytest.mark.parametrize(("told", "tls"), [({"SslEnabled": True}, True), ({}, False)])
def test_it_is_told_whether_orthanc_speaks_tls(plugin: Any, told: dict[str, Any], tls: bool) -> None:
    settings = plugin.read_settings({**told, "JobIndex": SECTION}, {})
    assert settings.registration["Tls"] is tls
