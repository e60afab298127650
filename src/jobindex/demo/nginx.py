"""The cluster's nginx: the project's own configuration, with the three files that it includes written anew."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .checkout import LIMITS_CONF, NGINX_CONF
from .installed import nginx_program
from .ports import LOOPBACK
from .probes import listens
from .process import Process

CHECKED = " max_fails=1 fail_timeout=5s"
UNCHECKED = " max_fails=0"
NO_LIMIT = "100000r/s"  # tests and benchmarks are all at one address
EXAMPLE_FRONT = "10.0.0.7/32"
FRONT_LINES = (
    f"{EXAMPLE_FRONT} 1;",
    f"set_real_ip_from {EXAMPLE_FRONT};",
    "real_ip_header X-Forwarded-For;",
    "real_ip_recursive on;",
)
"""What stands in limits.conf for a proxy before this nginx, as comments."""
LOG = "/var/log/nginx/access.log"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Nginx:
    """`url` ends without a slash; the Orthancs are below `/orthanc/`."""

    url: str
    process: Process


def build_nginx(
    folder: Path, port: int, orthancs: Sequence[int], replicas: Sequence[int], rate: str = NO_LIMIT, front: str = ""
) -> Nginx:
    """`orthancs` and `replicas` are ports, at least one of each; `rate` is that of one address (100r/s).

    `front` is the network of a proxy before it, filled in as the file says.
    """
    folder = folder / "nginx"
    included = folder / "deploy" / "nginx"
    included.mkdir(parents=True)
    # only root may write where the log is otherwise
    (folder / NGINX_CONF.name).write_text(NGINX_CONF.read_text().replace(LOG, f"{folder}/access.log"))
    (included / "listen.conf").write_text(f"listen {LOOPBACK}:{port};\n")
    (included / "upstreams.conf").write_text(_upstreams(orthancs, replicas) + _temporary(folder))
    (included / "limits.conf").write_text(_limits(rate, front))
    command = [str(nginx_program()), "-p", str(folder), "-c", str(folder / NGINX_CONF.name)]
    command += ["-e", "stderr", "-g", f"daemon off; pid {folder}/nginx.pid;"]

    async def ready() -> bool:
        return await listens(LOOPBACK, port)

    # nginx's workers would live on if their master were killed
    process = Process("nginx", command, folder / "nginx.log", ready, orphaned=signal.SIGTERM)
    return Nginx(f"http://{LOOPBACK}:{port}", process)


def _limits(rate: str, front: str) -> str:
    text = LIMITS_CONF.read_text().replace("rate=100r/s", f"rate={rate}")
    if not front:
        return text
    for line in FRONT_LINES:
        text = text.replace(f"# {line}", line.replace(EXAMPLE_FRONT, front))
    return text


def _upstreams(orthancs: Sequence[int], replicas: Sequence[int]) -> str:
    return (
        _upstream("orthancs", orthancs, CHECKED)
        + _upstream("replicas", replicas, CHECKED, "keepalive 32; keepalive_timeout 5s;")
        + _upstream("replicas_unchecked", replicas, UNCHECKED)
    )


def _upstream(name: str, ports: Sequence[int], checks: str, more: str = "") -> str:
    servers = "".join(f"    server {LOOPBACK}:{port}{checks};\n" for port in ports)
    return f"upstream {name} {{\n    zone {name} 64k;\n{servers}    {more}\n}}\n"


def _temporary(folder: Path) -> str:
    """Debian's folders for passing bodies belong to another user."""
    return "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
