"""What an administrator reads in Orthanc's log: each trouble once, with its reason and the setting to look at."""

import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobindex.demo.ports import free_port

from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule
from .scripted_service import ScriptedService

SECTION = {"Urls": ["http://a:8001"], "Secret": "s"}
NOBODY = 65534


@pytest.fixture
def orthanc() -> ScriptedModule:
    return ScriptedModule({})


@pytest.fixture
def plugin(orthanc: ScriptedModule) -> Any:
    return load_plugin(orthanc)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def without_root() -> Iterator[None]:
    """As somebody whom rights apply to, as they do to Orthanc's user."""
    user = os.geteuid()
    os.seteuid(user or NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def put(file: Path, text: str, mode: int = 0o644) -> None:
    """As `install` to a name beside it, and `mv`."""
    other = file.with_suffix(".new")
    other.write_text(text)
    other.chmod(mode)
    other.replace(file)


def is_private(file: Path) -> None:
    put(file, "new", 0o600 if os.geteuid() == 0 else 0o000)


def is_gone(file: Path) -> None:
    file.unlink()


def is_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def is_empty(file: Path) -> None:
    put(file, "\n")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (is_private, "Permission denied"),
        (is_gone, "No such file or directory"),
        (is_a_folder, "Is a directory"),
        (is_empty, "no secret in it"),
    ],
)
def test_administrator_a_secret_that_can_not_be_read_again_is_told_once(
    plugin: Any, orthanc: ScriptedModule, folder: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    file, now = folder / "secret", [0.0]
    put(file, "old")
    secret = plugin.Secret(b"", file, lambda: now[0])

    def looked_at(times: int = 1) -> bytes:
        for _ in range(times):
            now[0] += plugin.SECRET_EVERY
            key: bytes = secret.key
        return key

    spoil(file)
    with without_root():
        assert looked_at(3) == b"old"
    ((level, told),) = orthanc.log
    assert level == "Error"
    assert f'"SecretFile" (JOBINDEX_SECRET_FILE): {file}' in told
    assert reason in told
    assert "stays in use" in told
    assert f"install -m 640 -g orthanc NEW {file}.new && mv {file}.new {file}" in told
    if file.is_dir():
        file.rmdir()
    put(file, "newest")
    with without_root():
        assert looked_at(3) == b"newest"
    assert [level for level, _ in orthanc.log] == ["Error", "Warning"]
    assert f"{file} is read again" in orthanc.log[1][1]


def test_administrator_a_secret_whose_rights_are_taken_and_given_is_told(
    plugin: Any, orthanc: ScriptedModule, folder: Path
) -> None:
    """Not another file: the same, by `chmod`."""
    file, now = folder / "secret", [0.0]
    put(file, "old")
    secret = plugin.Secret(b"", file, lambda: now[0])
    told = []
    for mode in (0o000, 0o644):
        file.chmod(mode)
        now[0] += plugin.SECRET_EVERY
        with without_root():
            assert secret.key == b"old"
        told.append([level for level, _ in orthanc.log])
    assert told == [["Error"], ["Error", "Warning"]]


@pytest.mark.parametrize(
    ("member", "section"),
    [
        ("SecretFile", {}),
        ("CaFile", {"Secret": "s"}),
        ("CertificateFile", {"Secret": "s"}),
        ("KeyFile", {"Secret": "s", "CertificateFile": "{readable}"}),
        ("SelfPasswordFile", {"Secret": "s", "SelfUser": "alice"}),
    ],
)
def test_administrator_a_file_that_can_not_be_read_is_told_with_its_setting_and_remedy(
    plugin: Any, folder: Path, member: str, section: dict[str, str]
) -> None:
    readable, file = folder / "readable", folder / "private"
    put(readable, "")
    put(file, "secret", 0o000)
    given = {name: text.format(readable=readable) for name, text in section.items()}
    configuration = {"JobIndex": {"Urls": ["http://a:8001"], **given, member: str(file)}}
    with without_root(), pytest.raises(OSError, match="Permission denied") as refusal:
        plugin.read_settings(configuration, {})
    assert f'"{member}" (JOBINDEX_' in str(refusal.value)
    assert f"Orthanc's user can't read {file}: Permission denied" in str(refusal.value)
    assert f"chgrp orthanc {file} && chmod 640 {file}" in str(refusal.value)


@pytest.mark.parametrize(
    ("member", "meant"),
    [
        ("NodeURL", 'did you mean "NodeUrl"?'),
        ("url", 'did you mean "Urls"?'),
        ("SecretFiles", 'did you mean "SecretFile"?'),
        ("Colour", ""),
    ],
)
def test_administrator_a_member_that_there_is_not_is_named_with_the_nearest(
    plugin: Any, orthanc: ScriptedModule, member: str, meant: str
) -> None:
    plugin.read_settings({"JobIndex": {**SECTION, member: "canary"}}, {})
    ((level, told),) = orthanc.log
    assert level == "Warning"
    assert f'"{member}"' in told
    assert meant in told
    assert bool(meant) == ("did you mean" in told)
    assert "canary" not in told


@pytest.mark.parametrize("section", ["http://a:8001", ["Urls"], 1])
def test_administrator_a_section_that_is_none_is_refused(plugin: Any, section: object) -> None:
    with pytest.raises(ValueError, match='"JobIndex" must be'):
        plugin.read_settings({"JobIndex": section}, {})


@pytest.mark.parametrize(("given", "node"), [("links außen", "links-au-en"), ("a/b", "a-b")])
def test_administrator_a_node_id_that_is_changed_is_told(
    plugin: Any, orthanc: ScriptedModule, given: str, node: str
) -> None:
    plugin.read_settings({"JobIndex": {**SECTION, "NodeId": given}}, {})
    ((level, told),) = orthanc.log
    assert level == "Warning"
    assert told.endswith(f"changed to {node}")


def test_administrator_nothing_is_told_of_settings_that_are_right(plugin: Any, orthanc: ScriptedModule) -> None:
    plugin.read_settings({"JobIndex": {**SECTION, "NodeId": "a.b_c-1", "NodeUrl": "http://l:1/"}}, {})
    assert orthanc.log == []


@pytest.mark.parametrize(
    "url",
    [
        *("orthanc-a:8042", "orthanc-a", "ftp://orthanc-a", "http:/orthanc-a", "http://", "http://[::1"),
        *("http://orthanc-a/orthanc", "http://alice:canary@orthanc-a:8042", "http://a b:1", "http://a:1?b", 8042),
        *("http://orthanc-a:0", "http://orthanc-a:65536", "http://orthanc-a:port"),
    ],
)
@pytest.mark.parametrize("where", ["section", "environment"])
def test_administrator_a_node_url_that_is_none_is_refused_at_the_start(plugin: Any, where: str, url: object) -> None:
    section = {**SECTION, "NodeUrl": url} if where == "section" else SECTION
    environment = {"JOBINDEX_NODE_URL": str(url)} if where == "environment" else {}
    with pytest.raises(ValueError, match=r'^"NodeUrl" \(JOBINDEX_NODE_URL\) must be http\(s\)://host\[:port\]') as told:
        plugin.read_settings({"JobIndex": section}, environment)
    assert "canary" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "registered"),
    [
        ("http://orthanc-a", "http://orthanc-a"),
        ("HTTPS://orthanc-a.example:8042/", "HTTPS://orthanc-a.example:8042"),
        (" http://[fd00::1]:8042", "http://[fd00::1]:8042"),
        (None, None),
        ("", None),
    ],
)
def test_administrator_a_node_url_that_is_one_is_taken(plugin: Any, url: str | None, registered: str | None) -> None:
    settings = plugin.read_settings({"JobIndex": {**SECTION, "NodeUrl": url}}, {})
    assert settings.registration["Url"] == registered


@pytest.mark.parametrize(
    "url", ["http://a..b:1", f"http://{'a' * 64}:1", "http://a b:1", "http://a:1/x y", "http://a:1/ä"]
)
def test_administrator_an_address_that_nothing_can_be_sent_to_is_refused_at_the_start(plugin: Any, url: str) -> None:
    with pytest.raises(ValueError, match=r'^"Urls" \(JOBINDEX_URLS\) must be'):
        plugin.read_settings({"JobIndex": {**SECTION, "Urls": [url]}}, {})


@pytest.mark.parametrize("url", ["http://größer.example:1", "http://[fd00::1]:1", "http://index-1.:1", "https://a/b"])
def test_administrator_an_address_that_can_be_sent_to_is_taken(plugin: Any, url: str) -> None:
    (read,) = plugin.read_settings({"JobIndex": {**SECTION, "Urls": [url]}}, {}).urls
    assert read.geturl() == url


def test_administrator_that_nobody_listens_is_told(make_node: Callable[..., Node]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    node = make_node(Urls=[url]).start()
    until(lambda: node.logged(f"{url} is not reached: Connection refused"), "the reason")
    assert node.logged('"Urls"') == node.logged("kept and sent later") == 1


def test_administrator_that_a_name_is_unknown_is_told(
    make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    node = make_node(Urls=["http://index-l:8001"])
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    node.start()
    until(lambda: node.logged("http://index-l:8001 is not reached: Name or service not known"), "the reason")
    monkeypatch.undo()
    assert node.logged('"Urls"') == 1


def test_administrator_that_no_answer_comes_in_time_is_told(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    service.hang()
    node = make_node(intervals={"TIMEOUT": 0.2}).start()
    until(lambda: node.logged(f"{service.url} is not reached: timed out"), "the reason")
    service.free.set()
    assert node.logged('"Urls"') == 1


def test_administrator_that_something_else_listens_is_told(make_node: Callable[..., Node]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        node = make_node(Urls=[url]).start()
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"canary\r\n")
            until(lambda: node.logged(f"{url} is not reached: no answer in HTTP"), "the reason")
    assert node.logged("canary") == 0


@pytest.mark.parametrize(
    ("status", "said", "told", "setting"),
    [
        (404, {"Details": "no such path"}, "answers 404 (no such path)", '"Urls"'),
        (405, {}, "answers 405", '"Urls"'),
        (401, {"Message": "a login of Orthanc's own"}, "answers 401 (a login of Orthanc's own)", '"Urls"'),
        (400, {"Message": "an address is http://host:port"}, "answers 400 (an address is http://host:port)", "NodeUrl"),
        (503, {"Message": "Bad", "Details": "Redis\nis away"}, "answers 503 (Redis is away)", "replica's log"),
        (500, {"HttpStatus": 500, "Details": "No Orthanc"}, "answers 500 (No Orthanc)", '"Urls"'),
        (404, {"Details": "x" * 201}, f"answers 404 ({'x' * 200})", '"Urls"'),
        (404, {"Details": {"a": 1}}, "answers 404:", '"Urls"'),
    ],
)
def test_administrator_a_refusal_is_told_with_its_reason_and_setting(
    make_node: Callable[..., Node],
    service: ScriptedService,
    status: int,
    said: dict[str, Any],
    told: str,
    setting: str,
) -> None:
    service.refuse(status, **said)
    node = make_node().start()
    until(lambda: len(service.seen) >= 5, "five tries")
    assert node.logged(f"{service.url} {told}") == 1
    (line,) = [message for _, message in node.orthanc.log if "answers" in message]
    assert setting in line
    assert "kept and sent later" in line


def test_administrator_a_reason_that_differs_each_time_is_told_once(
    make_node: Callable[..., Node], service: ScriptedService
) -> None:
    service.script = lambda report: (404, {"Details": f"answer {len(service.seen)}"})
    node = make_node().start()
    until(lambda: len(service.seen) >= 5, "five tries")
    assert node.logged("answers 404") == 1


def test_administrator_what_answers_a_report_with_jobs_is_not_repeated(node: Node, service: ScriptedService) -> None:
    """Something that is not the service may answer with what it was sent."""
    until(service.complete, "a complete report")
    service.script = lambda report: (500, {"Details": json.dumps(report)})
    job = node.orthanc.set_job(1, "Success", Content={"Description": "canary"})
    node.orthanc.change(17, job)
    until(lambda: service.has_seen(job) and node.logged(f"{service.url} answers 500"), "the refusal")
    seen = len(service.seen)
    until(lambda: len(service.seen) >= seen + 5, "five more tries")
    assert node.logged("canary") == node.logged(job) == 0
