"""The peers and modalities of a simulated Orthanc; whether one can be reached is really tried."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from jobindex.demo.simulator.errors import NETWORK_PROTOCOL, OrthancError
from jobindex.demo.simulator.release import Release

PATIENCE = 5.0
"""Seconds to wait for a connection."""


@dataclass(frozen=True)
class Peer:
    """Another Orthanc, as `OrthancPeers` in the configuration names it."""

    url: str
    username: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, entry: list[str] | dict[str, Any]) -> Self:
        """Take either of Orthanc's two forms: `[url, user, password]`, or an object."""
        if isinstance(entry, list):
            return cls(_closed(entry[0]), entry[1] if len(entry) > 1 else None)
        return cls(_closed(entry["Url"]), entry.get("Username"), entry.get("HttpHeaders", {}))

    def public(self) -> object:
        """Show it as `Content.Peer` does: without the password, but with all headers, secret or not."""
        if not self.headers:
            return [self.url, self.username, ""] if self.username else [self.url]
        shown = {"HttpHeaders": dict(self.headers), "Pkcs11": False, "Timeout": 0, "Url": self.url}
        return {**shown, "Username": self.username} if self.username else shown

    async def reach(self, release: Release) -> None:
        """Connect and hang up; OrthancError 9 where nobody listens."""
        parts = urlsplit(self.url)
        if await _listens(parts.hostname or "", parts.port or 80):
            return
        if release.names_unreachable_url:
            details = f"libCURL error: Could not connect to server while accessing {self.url}instances"
        else:
            details = "libCURL error: Couldn't connect to server"
        raise OrthancError(NETWORK_PROTOCOL, details)


@dataclass(frozen=True)
class Modality:
    """A DICOM server, as `DicomModalities` in the configuration names it."""

    aet: str
    host: str
    port: int

    @classmethod
    def read(cls, entry: list[Any] | dict[str, Any]) -> Self:
        """Take either of Orthanc's two forms: `[aet, host, port]`, or an object."""
        if isinstance(entry, list):
            return cls(entry[0], entry[1], entry[2])
        return cls(entry["AET"], entry["Host"], entry["Port"])

    async def reach(self, release: Release) -> None:
        """Connect and hang up; OrthancError 9 where nobody listens."""
        if not await _listens(self.host, self.port):
            reason = f"TCP Initialization Error: {release.refused_connection}"
            details = f'DicomAssociation - connecting to AET "{self.aet}": {reason}'
            raise OrthancError(NETWORK_PROTOCOL, details)


def _closed(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


async def _listens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True
