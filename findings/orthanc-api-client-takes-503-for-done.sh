#!/bin/sh
# orthanc-api-client 0.25.3: a POST that a server answers with 503 (or 502) four times returns to its caller as one that
# was answered with 200 does; nothing is raised.  One might expect an exception, as after a 500 or a 504.
#
# So whoever serves Orthanc's routes must not say "not done" by 502 or 503 to what changes something.

set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check orthanc-api-client==0.25.3
"$folder/venv/bin/python" - <<'END'
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from orthanc_api_client import OrthancApiClient

logging.disable(logging.CRITICAL)
asked = []


class Handler(BaseHTTPRequestHandler):
    status = 200

    def do_POST(self):
        asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = OrthancApiClient(f"http://127.0.0.1:{server.server_port}")
seen = {}
for status in (200, 500, 502, 503, 504):
    Handler.status = status
    asked.clear()
    try:
        client.jobs.cancel("4a8b3c52-0d3f-4a52-9b77-6f5d0f7a1c11")
        raised = "returns"
    except Exception as error:
        raised = f"raises {type(error).__name__}"
    seen[status] = raised
    print(f"{status}: {len(asked)} request(s), {raised}")
assert seen[200] == seen[502] == seen[503] == "returns", seen
assert seen[500].startswith("raises"), seen
assert seen[504].startswith("raises"), seen
END
