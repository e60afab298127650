"""Reading over loopback HTTP: what is asked, of whom, with which key, and what becomes of a job that can't be read."""

import base64
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ..unit.orthanc.authority import Authority
from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule, job_id
from .scripted_service import Report, ScriptedService

MakeNode = Callable[..., Node]
LISTENER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.settimeout(0.5)
    try:
        print("got", connection.recv(10_000), flush=True)
    except OSError:
        print("nothing", flush=True)
"""
"""Another process; it tells its port, then what it is sent on each connection."""


def unread(service: ScriptedService) -> list[Report]:
    return [report for report in service.taken if "CannotRead" in report]


def reason(service: ScriptedService) -> str:
    until(lambda: unread(service), "a report that says that nothing can be read")
    said: str = unread(service)[-1]["CannotRead"]
    return said


def test_plugin_what_cannot_be_printed_yet_is_tried_again(make_node: MakeNode, service: ScriptedService) -> None:
    node = make_node(intervals={"NOT_YET_PATIENCE": 20.0}).start()
    until(service.complete, "a complete report")
    node.orthanc.http.answers[f"/jobs/{job_id(1)}"] = (400, b"{}")
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: node.orthanc.reads_of(job) >= 3, "the job is tried again")
    assert (service.states(job), service.events()) == ([], [])
    other = node.orthanc.happen("JobSuccess", 2)
    until(lambda: service.states(other), "another job meanwhile")
    until(lambda: job in service.complete()[-1]["Ids"], "its id")
    node.orthanc.http.answers.clear()
    until(lambda: service.states(job), "the job")
    assert service.events() == []


@pytest.mark.parametrize("status", [400, 500])
def test_plugin_a_job_that_cannot_be_printed_keeps_its_last_text(
    node: Node, service: ScriptedService, status: int
) -> None:
    job = node.orthanc.happen("JobSubmitted", 1)
    other = node.orthanc.happen("JobSubmitted", 2)
    until(lambda: service.states(job) and service.states(other) and service.complete(), "both jobs")
    node.orthanc.http.answers[f"/jobs/{job}"] = (status, b"")
    node.orthanc.set_job(1, "Running", Progress=10)
    node.orthanc.set_job(2, "Running", Progress=20)
    until(lambda: "Running" in service.states(other), "the other's progress")
    complete = len(service.complete())
    until(lambda: len(service.complete()) >= complete + 3, "three rounds")
    assert all(job in report["Ids"] for report in service.complete()[complete:])
    assert service.states(job) == ["Pending"]
    assert service.events() == []
    node.orthanc.http.answers.clear()
    until(lambda: service.states(job)[-1] == "Running", "its progress")


def test_plugin_an_end_that_cannot_be_printed_for_long_is_told_by_its_event(
    node: Node, service: ScriptedService
) -> None:
    until(service.complete, "a complete report")
    node.orthanc.http.answers[f"/jobs/{job_id(1)}"] = (400, b"")
    job = node.orthanc.happen("JobFailure", 1)
    until(service.events, "the event")
    assert service.events() == [(job, "JobFailure")]
    node.orthanc.http.answers.clear()
    until(lambda: service.states(job) == ["Failure"], "its text, from a round")


def test_plugin_an_idle_node_keeps_its_connection(make_node: MakeNode, service: ScriptedService) -> None:
    """Orthanc closes what is idle for a second, and gives the thread to others."""
    node = make_node(intervals={"HEARTBEAT": 30.0, "BUSY_HEARTBEAT": 30.0}).start()
    until(service.complete, "a complete report")
    until(lambda: node.orthanc.http.warmed >= 6, "the connection has been used for three seconds")
    assert node.orthanc.http.connections == 1


def test_plugin_a_connection_that_orthanc_closes_is_made_anew(node: Node, service: ScriptedService) -> None:
    node.orthanc.http.keeps = False
    jobs = [node.orthanc.happen("JobSuccess", number) for number in range(20)]
    until(lambda: all(service.states(job) for job in jobs), "all jobs")
    assert node.orthanc.http.connections >= 20
    assert unread(service) == []


def test_plugin_every_question_has_the_one_token(node: Node, service: ScriptedService) -> None:
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job) and service.complete(), "the job")
    assert set(node.orthanc.http.headers) == set(node.orthanc.tokens)
    assert len(node.orthanc.tokens) == 1


def test_plugin_a_token_that_is_refused_is_renewed_once(make_node: MakeNode, service: ScriptedService) -> None:
    node = make_node()
    tokens = iter(["Bearer first", "Bearer second"])
    vars(node.orthanc).update(GenerateRestApiAuthorizationToken=lambda: next(tokens))
    node.orthanc.http.keys = {"Bearer second"}
    node.start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")


def test_plugin_reports_go_on_where_no_token_is_taken_and_say_why(node: Node, service: ScriptedService) -> None:
    until(service.complete, "a complete report")
    node.orthanc.http.keys = set()
    assert "SelfUser" in reason(service)
    complete, said = len(service.complete()), len(unread(service))
    until(lambda: len(unread(service)) >= said + 3, "the heart beats")
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.events() == [(job, "JobSuccess")], "the event's own word")
    assert len(service.complete()) == complete
    assert not any("Ids" in report or "Complete" in report for report in unread(service))
    assert len(node.orthanc.tokens) == 2
    assert node.logged("its jobs can't be read") == 1
    node.orthanc.http.keys = None
    until(lambda: service.states(job), "the job")
    until(lambda: len(service.complete()) > complete, "a complete report")
    assert "CannotRead" not in service.complete()[-1]
    assert node.logged("its jobs can be read again") == 1


def test_plugin_a_node_that_can_t_be_read_from_the_start_is_registered(
    make_node: MakeNode, service: ScriptedService
) -> None:
    node = make_node()
    node.orthanc.http.answers["/jobs"] = (403, b"")
    node.start()
    assert "403" in reason(service)
    assert service.complete() == []
    node.orthanc.http.answers.clear()
    until(service.complete, "a complete report")
    assert service.registrations()[-1]["Register"]["Version"] == "1.10.1"


def test_plugin_where_tokens_are_not_taken_a_user_is_named(
    make_node: MakeNode, service: ScriptedService, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("geheim\n")
    node = make_node(SelfUser="jobs", SelfPasswordFile=str(tmp_path / "password"))
    node.orthanc.http.keys = {"Basic " + base64.b64encode(b"jobs:geheim").decode()}
    node.start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")
    assert node.orthanc.tokens == []
    assert node.logged("geheim") == 0


def test_plugin_a_user_without_a_password_is_an_error(make_node: MakeNode) -> None:
    node = make_node(SelfUser="jobs").start()
    assert node.logged("SelfPasswordFile") == 1


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("named", [False, True])
def test_plugin_another_listener_never_sees_the_key(
    make_node: MakeNode, service: ScriptedService, other_process: subprocess.Popen[str], named: bool
) -> None:
    assert other_process.stdout is not None
    port = int(other_process.stdout.readline())
    section = {"SelfUrl": f"http://127.0.0.1:{port}"} if named else {}
    node = make_node(orthanc={"HttpPort": port}, **section).start()
    assert "no socket of this process listens" in reason(service)
    node.stop()
    other_process.kill()
    assert "got b'GET" not in other_process.stdout.read()


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:8042", "http://orthanc:8042", "ftp://127.0.0.1", "http://127.0.0.1/x"]
)
def test_plugin_a_self_url_is_private_and_plain(make_node: MakeNode, url: str) -> None:
    node = make_node(SelfUrl=url).start()
    assert node.logged("SelfUrl") == 1


@pytest.mark.parametrize(("scheme", "secure"), [("https", False), ("http", True), ("https", 0)])
def test_plugin_a_self_url_speaks_as_orthanc_does(
    make_node: MakeNode, service: ScriptedService, scheme: str, secure: object
) -> None:
    """Where listeners can't be known, what answers there may be anyone: it sees no key in clear text."""
    node = make_node(orthanc={"SslEnabled": secure})
    node.orthanc.configuration["JobIndex"]["SelfUrl"] = f"{scheme}://127.0.0.1:{node.orthanc.http.port}"
    vars(node.plugin).update(listening=lambda port: None)
    node.start()
    node.stop()
    assert node.logged("SelfUrl") == node.logged("SslEnabled") == 1
    assert (node.orthanc.http.connections, service.seen) == (0, [])


@pytest.mark.parametrize("known", [False, True])
def test_plugin_a_self_url_of_https_is_asked_by_tls_only(
    make_node: MakeNode, service: ScriptedService, tmp_path: Path, known: bool
) -> None:
    """Also where nobody knows whose listener it is, and what listens there speaks no TLS."""
    orthanc, tls = secured(Authority(tmp_path))
    plain, right = make_node(orthanc=orthanc), make_node(orthanc=orthanc, served={"tls": tls}, NodeId="right")
    for node in (plain, right):
        node.orthanc.configuration["JobIndex"]["SelfUrl"] = f"https://localhost:{node.orthanc.http.port}"
        if not known:
            vars(node.plugin).update(listening=lambda port: None)
    right.start()
    until(service.complete, "a complete report")
    plain.start()
    assert reason(service)
    assert plain.orthanc.http.headers == []


@pytest.mark.parametrize(("address", "proven"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False)])
def test_plugin_where_listeners_cannot_be_known_the_key_stays_on_this_machine(address: str, proven: bool) -> None:
    """Whatever the name in SelfUrl leads to."""
    plugin = load_plugin(ScriptedModule({}))
    vars(plugin).update(listening=lambda port: None)
    loopback = plugin.read_loopback({"SslEnabled": True}, {"SelfUrl": "https://orthanc.example:8042"})
    connected = SimpleNamespace(sock=SimpleNamespace(getpeername=lambda: (address, 8042)))
    with nullcontext() if proven else pytest.raises(plugin.Unread, match="loopback"):
        plugin.OwnOrthanc(loopback, plugin.Token())._prove(connected)


def reached(rows: list[tuple[str, int]]) -> str:
    """Where the plugin finds itself among listeners of a port; those of inode 1 are its own."""
    plugin = load_plugin(ScriptedModule({}))
    vars(plugin).update(listening=lambda port: rows, own_sockets=lambda: {1: 7})
    host: str = plugin.own_listener(8042).host
    return host


@pytest.mark.parametrize(
    ("rows", "host"),
    [
        ([("0.0.0.0", 1)], "127.0.0.1"),
        ([("::", 1)], "::1"),
        ([("10.0.0.5", 1)], "10.0.0.5"),
        ([("127.0.0.1", 2), ("10.0.0.5", 1)], "10.0.0.5"),
        ([("::", 2), ("0.0.0.0", 1)], "127.0.0.1"),
    ],
)
def test_plugin_it_is_reached_at_its_own_listener(rows: list[tuple[str, int]], host: str) -> None:
    assert reached(rows) == host


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("127.0.0.1", 2), ("0.0.0.0", 1)], "another process"),
        ([("0.0.0.0", 2), ("0.0.0.0", 1)], "another process"),
        ([("0.0.0.0", 2)], "no socket"),
        ([], "no socket"),
    ],
)
def test_plugin_where_another_would_answer_nobody_is_asked(rows: list[tuple[str, int]], said: str) -> None:
    with pytest.raises(Exception, match=said):
        reached(rows)


def test_plugin_elsewhere_than_on_linux_the_url_is_named(make_node: MakeNode, service: ScriptedService) -> None:
    node = make_node()
    vars(node.plugin).update(listening=lambda port: None)
    node.start()
    assert "SelfUrl" in reason(service)
    named = make_node(SelfUrl=f"http://localhost:{node.orthanc.http.port}", NodeId="right")
    vars(named.plugin).update(listening=lambda port: None)
    named.start()
    until(service.complete, "a complete report")


def test_plugin_of_a_machine_with_many_connections_only_the_first_sockets_are_read() -> None:
    """The kernel lists those that listen before all others."""
    plugin = load_plugin(ScriptedModule({}))
    listening = [
        "  sl  local_address",
        "0: 0100007F:1F6A 00000000:0000 0A 0:0 0:0 0 0 0 4711",
        "1: 0100007F:1F6B 0:0 0A 0 0 0 0 0 4",
    ]
    read = []

    def rows() -> Iterator[str]:
        yield from listening
        while len(read) < 10 * plugin.MOST_SOCKETS:
            read.append(1)
            yield "2: 0100007F:1F6A 0100007F:0050 01 0:0 0:0 0 0 0 4712"

    assert list(plugin.listeners_in(rows(), socket.AF_INET, 8042)) == [("127.0.0.1", 4711)]
    assert len(read) < plugin.MOST_SOCKETS


def test_plugin_who_connects_while_orthanc_stops_asks_nothing(node: Node, service: ScriptedService) -> None:
    """Orthanc waits for what it was asked."""
    until(service.complete, "a complete report")
    node.stop()
    node.orthanc.http.headers.clear()
    loopback = node.plugin.read_loopback({"HttpPort": node.orthanc.http.port}, {})
    own = node.plugin.OwnOrthanc(loopback, node.plugin.Token())
    prove = own._prove
    own._prove = lambda connection: (prove(connection), own.abort())
    with pytest.raises(node.plugin.Unread, match="Orthanc stops"):
        own.read("/jobs")
    assert node.orthanc.http.headers == []


def secured(authority: Authority, *, ask: bool = False) -> tuple[dict[str, Any], ssl.SSLContext]:
    """The settings of an Orthanc with a certificate, and what its server speaks."""
    file = authority.certificate("orthanc-a")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(file)
    if ask:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(authority.file)
    return {"SslEnabled": True, "SslCertificate": str(file)}, tls


@pytest.mark.parametrize("ask", [False, True])
def test_plugin_orthanc_is_known_by_its_own_certificate(
    make_node: MakeNode, service: ScriptedService, tmp_path: Path, ask: bool
) -> None:
    authority = Authority(tmp_path)
    orthanc, tls = secured(authority, ask=ask)
    section = {"CertificateFile": str(authority.certificate("plugin"))} if ask else {}
    node = make_node(orthanc=orthanc, served={"tls": tls}, **section).start()
    job = node.orthanc.happen("JobSuccess", 1)
    until(lambda: service.states(job), "the job")


def test_plugin_another_certificate_gets_no_key(make_node: MakeNode, service: ScriptedService, tmp_path: Path) -> None:
    """Also one of the same authority, for the same name."""
    authority = Authority(tmp_path)
    orthanc, _ = secured(authority)
    _, other = secured(authority)
    node = make_node(orthanc=orthanc, served={"tls": other}).start()
    assert "another certificate than SslCertificate" in reason(service)
    assert node.orthanc.http.headers == []


def test_plugin_where_orthanc_wants_a_certificate_it_is_said(
    make_node: MakeNode, service: ScriptedService, tmp_path: Path
) -> None:
    orthanc, tls = secured(Authority(tmp_path), ask=True)
    make_node(orthanc=orthanc, served={"tls": tls}).start()
    until(lambda: any("CertificateFile" in report["CannotRead"] for report in unread(service)), "a word on it")


def test_plugin_a_stop_does_not_wait_for_an_answer_of_orthanc(node: Node, service: ScriptedService) -> None:
    """The job that was being read, and the one behind it, are told by their events."""
    until(service.complete, "a complete report")
    node.orthanc.http.free.clear()
    jobs = [node.orthanc.happen("JobSuccess", number) for number in (1, 2)]
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 0.7
    assert {job for job, _ in service.events()} | {
        json.loads(text)["ID"] for r in service.taken for text in r["Jobs"]
    } >= (set(jobs))
    assert service.taken[-1]["Goodbye"] is True


def test_plugin_http_that_is_not_served_is_said(make_node: MakeNode, service: ScriptedService) -> None:
    make_node(orthanc={"HttpServerEnabled": False}).start()
    assert "HttpServerEnabled" in reason(service)
