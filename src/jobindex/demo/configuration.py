"""The configuration file of a real Orthanc of the cluster, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .ports import LOOPBACK
from .postgres import USER, Postgres

LOGIN = ("demo", "demo")
NOWHERE = "nowhere"  # a peer and a modality that nobody answers for
NOBODY = 9  # a port that nobody listens on


@dataclass(frozen=True)
class Seat:
    """Where one Orthanc is to be: its folder, its port, whom it may send to and whom it reports to.

    `reached_at` is the URL that it names to the index.
    `storage` is where it keeps DICOM files: a folder of its own, or with PostgreSQL one for all.
    Without a `plugin` it reports to nobody.
    """

    name: str
    folder: Path
    port: int
    reached_at: str
    storage: Path
    peers: Mapping[str, str]
    history: int
    services: tuple[str, ...]
    secret_file: Path
    plugin: Path | None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


def configure(seat: Seat, libraries: list[Path], postgres: Postgres | None) -> dict[str, Any]:
    return {
        **_server(seat),
        **_jobs(seat),
        **(_index(postgres) if postgres else {}),
        **(_reports(seat) if seat.plugin else {}),
        "Plugins": [str(library) for library in libraries],
    }


def _server(seat: Seat) -> dict[str, Any]:
    """Served to this machine only; with its own identifier, so that a shared index keeps its jobs apart."""
    return {
        "Name": seat.name,
        "DatabaseServerIdentifier": seat.name,
        "StorageDirectory": str(seat.storage),
        "IndexDirectory": str(seat.folder),
        "TemporaryDirectory": str(seat.folder),
        "HttpPort": seat.port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": dict([LOGIN]),
        "OrthancPeers": {name: [url, *LOGIN] for name, url in seat.peers.items()},
        "DicomModalities": {NOWHERE: ["NOWHERE", LOOPBACK, NOBODY]},
    }


def _jobs(seat: Seat) -> dict[str, Any]:
    """As many archives are kept as jobs, so that a listed one can be fetched."""
    return {
        "SaveJobs": True,
        "ConcurrentJobs": 2,
        "JobsHistorySize": seat.history,
        "MediaArchiveSize": max(1, seat.history),
    }


def _index(postgres: Postgres) -> dict[str, Any]:
    connection = {"Host": str(postgres.folder), "Username": USER, "Password": "", "Database": USER}
    return {"PostgreSQL": {"EnableIndex": True, "EnableStorage": False, "Lock": False, **connection}}


def _reports(seat: Seat) -> dict[str, Any]:
    return {
        "PythonScript": str(seat.plugin),
        "JobIndex": {
            "NodeId": seat.name,
            "NodeUrl": seat.reached_at,
            "Urls": list(seat.services),
            "SecretFile": str(seat.secret_file),
        },
    }
