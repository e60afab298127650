"""The HTTP server of a scripted Orthanc: within this process, as Orthanc's own is within the plugin's."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEEP_ALIVE = 1.0
"""Seconds after which Orthanc closes an idle connection."""
WARMING = "/tools/now"
"""What is asked only to keep the connection, and is not noted."""
Answer = tuple[int, bytes]


class ScriptedOrthanc:
    """Answers `/system`, `/jobs` and `/jobs/{id}`; `before_read` is called with each path first.

    `answers` stand before what is known of the jobs, `keys` are the values of Authorization that are let in (None:
    all), `connections` counts those that were opened, `headers` holds the Authorization of each question.
    """

    def __init__(self, jobs: Mapping[str, dict[str, Any]], tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.jobs = jobs
        self.asked: list[str] = []
        self.headers: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.keys: set[str] | None = None
        self.connections = 0
        self.warmed = 0
        self.keeps = True
        self.free = threading.Event()
        self.free.set()
        self.before_read: Callable[[str], None] = self.asked.append
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def close(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, key: str) -> Answer:
        self.free.wait(30)
        self.headers.append(key)
        if self.keys is not None and key not in self.keys:
            return 401, b""
        if path == WARMING:
            self.warmed += 1
            return 200, datetime.now(UTC).strftime("%Y%m%dT%H%M%S").encode()
        self.before_read(path)
        return self.answers.get(path) or self.known(path)

    def known(self, path: str) -> Answer:
        if path == "/system":
            return 200, styled({"Name": "left", "Version": "1.10.1"})
        if path == "/jobs":
            return 200, styled(sorted(self.jobs))
        job = self.jobs.get(path.removeprefix("/jobs/"))
        if job is None:
            return 404, styled({"HttpStatus": 404, "OrthancStatus": 17})
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        return 200, styled(dict(sorted({**job, "Timestamp": stamp}.items())))


def styled(value: object) -> bytes:
    return json.dumps(value, indent=3, separators=(",", " : "), ensure_ascii=False).encode()


def _handler(orthanc: ScriptedOrthanc) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = KEEP_ALIVE

        def setup(self) -> None:
            super().setup()
            orthanc.connections += 1

        def do_GET(self) -> None:
            status, body = orthanc.answer(self.path, self.headers["Authorization"] or "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if not orthanc.keeps:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                time.sleep(0)  # the plugin has gone, or didn't like the certificate

        def log_message(self, *_: object) -> None:
            return

    return Handler
