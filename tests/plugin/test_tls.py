"""The way to the replicas by TLS: whom the plugin believes, and what it shows."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from ..unit.orthanc.authority import Authority
from .conftest import load_plugin
from .scripted_module import ScriptedModule


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def context(ca: Path, certificate: Path | None = None) -> ssl.SSLContext:
    """As the plugin makes it of its settings."""
    files = {"CaFile": str(ca), "CertificateFile": certificate and str(certificate)}
    section = {"Urls": ["https://127.0.0.1"], "Secret": "s", **files}
    settings = load_plugin(ScriptedModule({})).read_settings({"JobIndex": section}, "", {})
    assert isinstance(settings.tls, ssl.SSLContext)
    return settings.tls


async def shown(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, Any]:
    """The client's certificate, as the server sees it."""
    seen: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("peercert"))
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=server) as listening:
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        try:
            async with asyncio.timeout(10):
                return await seen
        finally:
            writer.close()


async def test_it_shows_its_certificate_to_who_asks(authority: Authority) -> None:
    client = context(authority.file, authority.certificate("orthanc-a"))
    told = await shown(authority.server("127.0.0.1", ask=True), client)
    assert ("DNS", "orthanc-a") in told["subjectAltName"]


async def test_it_believes_nobody_else(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await shown(authority.server("127.0.0.1"), context(Authority(tmp_path, "another").file))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        await shown(authority.server("elsewhere"), context(authority.file))
