"""A stand-in for the service: checks every signature by itself, answers as scripted, remembers what it took."""

import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "the secret of a cluster"
Report = dict[str, Any]
Reply = tuple[int, dict[str, Any]]
Script = Callable[[Report], Reply | None]
"""Answers one report, or None to leave it to the service."""


class ScriptedService:
    """Answers 200 and `{}` unless `script` says otherwise.

    `closing` closes each connection without a word, `location` is sent along, `largest` is the longest body taken;
    `second` is another replica of one index, which knows a node that registered elsewhere; `secret` is what it
    wants reports to be signed with, "" that they are not signed.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.taken: list[Report] = []
        self.seen: list[Report] = []
        self.errors: list[str] = []
        self.nonces: list[str] = []
        self.paths: list[str] = []
        self.times: list[float] = []  # when each report was taken
        self.ahead_ms = 0
        self.largest = 4_000_000
        self.script: Script = lambda report: None
        self.location = ""
        self.closing = False
        self.second = False
        self.secret = SECRET
        self.free = threading.Event()
        self.free.set()
        self.knocked = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def hang(self) -> None:
        """Take requests and don't answer, until `free` is set."""
        self.knocked.clear()
        self.free.clear()

    def refuse(self, status: int, **said: Any) -> None:
        """Answer everything so."""
        self.script = lambda report: (status, said)

    def order(self, **said: Any) -> None:
        """Thank for one complete report with an order, then as usual."""
        ordered: list[Report] = []

        def answer(report: Report) -> Reply | None:
            if ordered or not report.get("Complete"):
                return None
            ordered.append(report)
            return 200, said

        self.script = answer

    def accept(self) -> None:
        self.script = lambda report: None

    def stop(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, headers: Any, body: bytes) -> Reply:
        self.knocked.set()
        self.paths.append(path)
        self.free.wait(30)
        if refusal := self._check(path, headers, body):
            return refusal
        report: Report = json.loads(body)
        self._hold_against_contract(report, body)
        self.seen.append(report)
        status, said = self.script(report) or self._usual(body)
        if 200 <= status < 300:
            self.taken.append(report)
            self.times.append(time.monotonic())
        return status, said

    def registrations(self) -> list[Report]:
        return [report for report in self.taken if "Register" in report]

    def complete(self) -> list[Report]:
        return [report for report in self.taken if report.get("Complete")]

    def jobs(self, since: int = 0) -> list[dict[str, Any]]:
        """Every job told, in the order told."""
        return [json.loads(text) for report in self.taken[since:] for text in report.get("Jobs", ())]

    def states(self, job: str) -> list[str]:
        """The states that one job was told in."""
        return [told["State"] for told in self.jobs() if told["ID"] == job]

    def has_seen(self, job: str) -> bool:
        """Whether the job was in any report, taken or not."""
        return any(job in text for report in self.seen for text in report["Jobs"])

    def events(self) -> list[tuple[str, str]]:
        return [(told["ID"], told["Kind"]) for report in self.taken for told in report.get("Events", ())]

    def _usual(self, body: bytes) -> Reply:
        return (200, {}) if len(body) <= self.largest else (413, {"Message": "too large"})

    def _check(self, path: str, headers: Any, body: bytes) -> Reply | None:
        now = round(time.time() * 1000) + self.ahead_ms
        if not self.secret:
            return (400, {}) if any(name.startswith("X-Job-Index") for name in headers) else None
        told, nonce = headers["X-Job-Index-Time"], headers["X-Job-Index-Nonce"]
        self.nonces.append(nonce)
        message = f"POST\n{path}\n{told}\n{nonce}\n{hashlib.sha256(body).hexdigest()}".encode("ascii")
        right = hmac.digest(self.secret.encode(), message, "sha256").hex()
        if headers["X-Job-Index-Signature"] != right or abs(int(told) - now) > 60_000:
            return 401, {"Message": "not signed", "Time": now}
        return None

    def _hold_against_contract(self, report: Report, body: bytes) -> None:
        if report["Format"] != 1 or len(report["Incarnation"]) != 32 or len(report.get("Jobs", ())) > 200:
            self.errors.append("a report that breaks the contract")
        if len(body) > 4_000_000:
            self.errors.append("a report of more than 4 MB")
        if "Register" not in report and not self.registrations() and not self.second:
            self.errors.append("a report before the registration")


def _handler(service: ScriptedService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = service.answer(self.path, self.headers, body)
            told = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            if service.location:
                self.send_header("Location", service.location)
            self.end_headers()
            self.wfile.write(told)
            self.close_connection = service.closing

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ssl.SSLError):
                return  # the plugin has gone, or one doesn't believe the other

        def log_message(self, *_: object) -> None:
            return

    return Handler
