"""nginx serving files: the limit of what this machine can answer."""

import getpass
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from jobindex.demo.installed import nginx_program
from jobindex.demo.ports import LOOPBACK, free_port
from jobindex.demo.probes import listens
from jobindex.demo.process import Process

CONFIGURATION = """
user {user};
worker_processes 1;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    {temporary}
    server {{ listen {host}:{port}; root {folder}/files; default_type application/json; }}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def serving(folder: Path, files: Mapping[str, bytes]) -> AsyncIterator[str]:
    """One worker, no access log, the kernel sends the files; the URL, which ends without a slash."""
    port = free_port()
    place = folder / f"static-{port}"
    (place / "files").mkdir(parents=True)
    for name, content in files.items():
        (place / "files" / name).write_bytes(content)
    temporary = " ".join(f"{name}_temp_path {place}/{name};" for name in TEMPORARY)
    told = {"user": getpass.getuser(), "temporary": temporary, "host": LOOPBACK, "port": port, "folder": place}
    (place / "nginx.conf").write_text(CONFIGURATION.format(**told))

    async def ready() -> bool:
        return await listens(LOOPBACK, port)

    command = [str(nginx_program()), "-p", str(place), "-c", str(place / "nginx.conf"), "-e", "stderr"]
    process = Process("static", [*command, "-g", f"daemon off; pid {place}/pid;"], place / "log", ready)
    await process.start()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        await process.stop()
