"""Where nobody is connected to, however it is spelled, whatever a name stands for; seen by listeners that count."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from jobindex.errors import OutOfReach, OwnerUnreachable
from jobindex.orthanc.client import Client, opened
from jobindex.orthanc.credentials import NOBODY
from jobindex.orthanc.reach import Network, Reach
from jobindex.orthanc.tls import tls_context
from jobindex.settings import LOOPBACK, PRIVATE

EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
NEAR, FAR = "127.0.0.1", "127.0.0.2"

ODD = [
    "http://2130706433:{port}",
    "http://017700000001:{port}",
    "http://0177.0.0.1:{port}",
    "http://127.0.0.01:{port}",
    "http://0x7f000001:{port}",
    "http://0x7f.0.0.1:{port}",
    "http://0X7F.1:{port}",
    "http://0x7f.0x0.0x0.0x1:{port}",
    "http://127.1:{port}",
    "http://127.0.1:{port}",
    "http://0:{port}",
    "http://127.0.0.1.:{port}",
    "http://localhost.:{port}",
    "http://.localhost:{port}",
    "http://local..host:{port}",
    "http://-localhost:{port}",
    "http://[127.0.0.1]:{port}",
    "http://::1:{port}",
    "http://[::1%25lo]:{port}",
    "http://[::1%lo]:{port}",
    "http://[fe80::1%1]:{port}",
    "http://[:::1]:{port}",
    "http://[::1]]:{port}",
    "http://demo@127.0.0.1:{port}",
    "http://demo:demo@127.0.0.1:{port}",
    "http://10.0.0.1@127.0.0.1:{port}",
    "http://10.0.0.1:80@127.0.0.1:{port}",
    "http://10.0.0.1\\@127.0.0.1:{port}",
    "http://10.0.0.1#@127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/orthanc",
    "http://127.0.0.1:{port}?_method=DELETE",
    "http://127.0.0.1:{port}#x",
    "http://127.0.0.1:{port};x",
    "http://127.0.0.1:0",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:-{port}",
    "http://127.0.0.1:",
    "http://127.0.0.1:+{port}",
    "http://127.0.0.1:{port} ",
    " http://127.0.0.1:{port}",
    "http://127.0.0.1:{port}\n",
    "http://127.0.0.1\t:{port}",
    "http://127.0.0.1:{port}\r\nX: y",
    "HTTP://127.0.0.1:{port}",
    "hTTp://127.0.0.1:{port}",
    "http:/127.0.0.1:{port}",
    "http:///127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}",
    "http+unix://127.0.0.1:{port}",
    "file:///etc/passwd",
    "http://%31%32%37.0.0.1:{port}",
    "http://127%2e0.0.1:{port}",
    "http://127.0.0.1%00:{port}",
    "http://127.0.0.1%2f:{port}",
    "http://\uff11\uff12\uff17.0.0.1:{port}",
    "http://١٢٧.0.0.1:{port}",
    "http://127。0。0。1:{port}",
    "http://127\uff0e0\uff0e0\uff0e1:{port}",
    "http://①②⑦.0.0.1:{port}",
    "http://ⓛocalhost:{port}",
    "http://local\u00adhost:{port}",
    "http://127.0.0.1:\uff11",
    "",
]
"""Spellings that are refused even where what they may mean is admitted."""

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.1.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[fd00:ec2::254]",
    "[FD00:0EC2:0000::0254]",
    "[fd20:ce::254]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0.0.0.0]",
    "[::169.254.169.254]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]",
    "[2001:db8::5efe:169.254.169.254]",
]
"""Hosts that are refused even where every network is admitted."""

OUTSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "localhost",
    "LOCALHOST",
    "orthanc.localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "8.8.8.8",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "11.0.0.1",
    "[2001:db8::1]",
    "[::ffff:8.8.8.8]",
    "[2002:a00:1::1]",
]
"""Hosts that the default does not admit."""

WITHIN = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "[fd12::1]",
    "[::ffff:10.0.0.1]",
    "orthanc-a",
    "a_b",
]
NEARBY = ["127.0.0.1", "[::1]", "localhost", "LocalHost"]


@dataclass
class Listener:
    """Counts those who connect."""

    port: int = 0
    connections: int = 0


@asynccontextmanager
async def listening(*hosts: str, port: int = 0) -> AsyncIterator[Listener]:
    """One listener at the same port of each host."""
    listener = Listener(port)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    servers = []
    for host in hosts:
        servers.append(await asyncio.start_server(connected, host, listener.port))
        listener.port = servers[0].sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()


@asynccontextmanager
async def client(networks: tuple[Network, ...], *names: str) -> AsyncIterator[Client]:
    async with opened(Reach(networks, names), tls_context()) as client:
        yield client


async def call(client: Client, url: str) -> None:
    assert (await client.ask(url, "GET", "/jobs", within=5)).status == 204


async def refused(client: Client, url: str) -> None:
    with pytest.raises(OutOfReach):
        client.check(url)
    with pytest.raises(OwnerUnreachable):
        await client.ask(url, "GET", "/jobs", within=5)


async def test_an_odd_spelling_connects_to_nobody() -> None:
    async with listening(NEAR, "::1") as listener, client((*LOOPBACK, *EVERYTHING)) as asking:
        for spelling in ODD:
            await refused(asking, spelling.replace("{port}", str(listener.port)))
        assert listener.connections == 0
        await call(asking, f"http://{NEAR}:{listener.port}")
        assert listener.connections == 1


@pytest.mark.parametrize(("networks", "hosts"), [(EVERYTHING, NEVER), (PRIVATE, OUTSIDE), (PRIVATE, NEVER)])
async def test_an_address_out_of_reach_is_connected_to_by_nobody(
    networks: tuple[Network, ...], hosts: list[str]
) -> None:
    async with listening(NEAR, "::1") as listener, client(networks) as asking:
        for host in hosts:
            for scheme in ("http", "https"):
                await refused(asking, f"{scheme}://{host}:{listener.port}")
        assert listener.connections == 0


@pytest.mark.parametrize("host", NEARBY)
async def test_what_is_admitted_is_connected_to(host: str) -> None:
    async with listening(NEAR, "::1") as listener, client(LOOPBACK) as asking:
        await call(asking, f"http://{host}:{listener.port}")
        assert listener.connections == 1


@pytest.mark.parametrize("host", WITHIN)
def test_private_networks_and_all_names_are_admitted_by_default(host: str) -> None:
    Reach(PRIVATE).check(f"http://{host}:8042")
    Reach(PRIVATE).check(f"https://{host}")


@pytest.mark.parametrize("host", ["orthanc-a", "ORTHANC-A", "a.hospital.local", "b.A.hospital.LOCAL", "10.0.0.1"])
def test_names_may_be_limited(host: str) -> None:
    Reach(PRIVATE, ("Orthanc-a", ".hospital.local")).check(f"http://{host}")


@pytest.mark.parametrize("host", ["orthanc-b", "orthanc-a.evil.org", "evilhospital.local", "hospital.local", "8.8.8.8"])
def test_other_names_are_refused(host: str) -> None:
    with pytest.raises(OutOfReach):
        Reach(PRIVATE, ("orthanc-a", ".hospital.local")).check(f"http://{host}")


def resolving(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, list[str]]) -> None:
    """From now on names stand for these addresses."""

    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *more: Any, **options: Any) -> list[tuple[Any, ...]]:
        if host not in answers:
            return list(real(host, port, *more, **options))
        found: list[tuple[Any, ...]] = []
        for each in answers[host]:
            family = socket.AF_INET6 if ":" in each else socket.AF_INET
            where = (each, port, 0, 0) if ":" in each else (each, port)
            found.append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where))
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


ONLY_NEAR = (ip_network("127.0.0.1/32"),)


@pytest.mark.parametrize("addresses", [[FAR], ["::1"], [FAR, "::1"], ["::ffff:127.0.0.2"], ["169.254.169.254", FAR]])
async def test_a_name_for_what_is_out_of_reach_connects_to_nobody(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(FAR, "::1") as listener, client(ONLY_NEAR) as asking:
        resolving(monkeypatch, {"orthanc": addresses})
        with pytest.raises(OwnerUnreachable):
            await asking.ask(f"http://orthanc:{listener.port}", "GET", "/jobs", within=5)
        assert listener.connections == 0
    assert f"http://orthanc:{listener.port} is not called" in caplog.text


@pytest.mark.parametrize("addresses", [[FAR, NEAR], [NEAR, FAR], ["::1", FAR, NEAR], [FAR, "169.254.169.254", NEAR]])
async def test_of_mixed_addresses_only_the_admitted_one_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async with (
        listening(NEAR) as near,
        listening(FAR, "::1", port=near.port) as far,
        client(ONLY_NEAR) as asking,
    ):
        resolving(monkeypatch, {"orthanc": addresses})
        await call(asking, f"http://orthanc:{near.port}")
        assert (near.connections, far.connections) == (1, 0)


async def test_a_name_leads_nowhere_else_when_it_is_rebound(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        listening(NEAR) as near,
        listening(FAR, port=near.port) as far,
        client(ONLY_NEAR) as asking,
    ):
        url = f"http://orthanc:{near.port}"
        resolving(monkeypatch, {"orthanc": [NEAR]})
        asking.check(url)
        await call(asking, url)
        resolving(monkeypatch, {"orthanc": [FAR]})
        asking._sessions.reading.connector.clear_dns_cache()  # type: ignore[union-attr]  # as ten seconds do
        asking.check(url)
        for method in ("GET", "POST"):
            with pytest.raises(OwnerUnreachable):
                await asking.ask(url, method, "/jobs", within=5)
        assert (near.connections, far.connections) == (1, 0)


async def test_a_download_goes_nowhere_else_either() -> None:
    async with listening(NEAR) as listener, client(PRIVATE) as asking:
        with pytest.raises(OwnerUnreachable):
            async with asking.stream(f"http://{NEAR}:{listener.port}", "/jobs", NOBODY, within=5):
                pytest.fail("it was called")
        assert listener.connections == 0
