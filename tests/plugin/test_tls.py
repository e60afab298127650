"""The way to the replicas by TLS: whom the plugin believes, and what it shows."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..unit.orthanc.authority import Authority
from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule
from .scripted_service import ScriptedService


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def context(ca: Path, certificate: Path | None = None) -> ssl.SSLContext:
    """As the plugin makes it of its settings."""
    files = {"CaFile": str(ca), "CertificateFile": certificate and str(certificate)}
    section = {"Urls": ["https://127.0.0.1"], "Secret": "s", **files}
    settings = load_plugin(ScriptedModule({})).read_settings({"JobIndex": section}, {})
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


@pytest.mark.parametrize("identified", [True, False])
async def test_releases_a_private_authority_without_key_usage_is_believed(tmp_path: Path, identified: bool) -> None:
    """Python 3.13 and newer would refuse it; every other check stays."""
    authority = Authority(tmp_path, identified=identified)
    client = context(authority.file)
    assert not client.verify_flags & ssl.VERIFY_X509_STRICT
    assert client.verify_mode == ssl.CERT_REQUIRED
    assert client.check_hostname
    server = authority.server("127.0.0.1")
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server) as listening:
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        writer.close()


def test_releases_it_is_said_that_it_is_the_certificate(
    make_node: Callable[..., Node], make_service: Callable[..., ScriptedService], authority: Authority, tmp_path: Path
) -> None:
    service = make_service(authority.server("127.0.0.1"))
    node = make_node(service, CaFile=str(Authority(tmp_path, "another").file)).start()
    until(lambda: node.logged("its certificate is refused: "), "a word on the certificate")
    assert node.logged("kept and sent later") == 0


def test_releases_it_is_said_that_our_certificate_is_lacking(
    make_node: Callable[..., Node], make_service: Callable[..., ScriptedService], authority: Authority
) -> None:
    """With TLS 1.3 the connection may be reset before the reason is read; the next try tells it."""
    service = make_service(authority.server("127.0.0.1", ask=True))
    node = make_node(service, CaFile=str(authority.file)).start()
    until(lambda: node.logged("is our certificate the right one"), "a word on our certificate")
    reset = ("Connection reset by peer", "Broken pipe", "no answer in HTTP")
    assert node.logged("kept and sent later") <= sum(map(node.logged, reset))


async def test_it_believes_nobody_else(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await shown(authority.server("127.0.0.1"), context(Authority(tmp_path, "another").file))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        await shown(authority.server("elsewhere"), context(authority.file))
