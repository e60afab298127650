"""One replica of the service, as `jobindex serve` runs it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .ports import LOOPBACK
from .probes import answers
from .process import Process


@dataclass
class Replica:
    """Its public listener is for clients, its internal one for Orthancs and probes."""

    name: str
    public_port: int
    internal_port: int
    process: Process

    @property
    def public_url(self) -> str:
        return f"http://{LOOPBACK}:{self.public_port}"

    @property
    def internal_url(self) -> str:
        return f"http://{LOOPBACK}:{self.internal_port}"


def build_replica(
    name: str, folder: Path, ports: tuple[int, int], redis_url: str, settings: Mapping[str, str]
) -> Replica:
    """`ports` are the public and the internal one; `settings` are more of its environment."""
    public, internal = ports
    environment = {
        "REDIS_URL": redis_url,
        "JOBINDEX_SECRET_FILE": str(folder / "secret"),
        "JOBINDEX_PUBLIC_HOST": LOOPBACK,
        "JOBINDEX_PUBLIC_PORT": str(public),
        "JOBINDEX_INTERNAL_HOST": LOOPBACK,
        "JOBINDEX_INTERNAL_PORT": str(internal),
        "JOBINDEX_NODE_NETWORKS": '["127.0.0.0/8"]',
        "JOBINDEX_PROXIES": f'["{LOOPBACK}/32"]',
        **settings,
    }
    command = [sys.executable, "-m", "jobindex", "serve"]

    async def ready() -> bool:
        return await answers(f"http://{LOOPBACK}:{internal}/-/ready")

    process = Process(name, command, folder / f"{name}.log", ready, environment)
    return Replica(name, public, internal, process)
