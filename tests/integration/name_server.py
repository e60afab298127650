"""A small name server on the loopback, whose names can be changed while it runs."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

A, IN = 1, 1
ANSWER, UNKNOWN = 0x8580, 0x8583
TTL_S = 1
HEADER = struct.Struct(">6H")


class NameServer(asyncio.DatagramProtocol):
    """`addresses` has those of IPv4 by their names; what is not there is unknown."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self.addresses = addresses
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | bytes, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(self._answer(data), addr)

    def _answer(self, data: bytes) -> bytes:
        number, *_ = HEADER.unpack_from(data)
        name, end = _name(data, HEADER.size)
        kind, _ = struct.unpack_from(">2H", data, end)
        question = data[HEADER.size : end + 4]
        if name not in self.addresses:
            return HEADER.pack(number, UNKNOWN, 1, 0, 0, 0) + question
        found = self.addresses[name] if kind == A else []
        records = b"".join(struct.pack(">3HIH", 0xC00C, A, IN, TTL_S, 4) + socket.inet_aton(each) for each in found)
        return HEADER.pack(number, ANSWER, 1, len(found), 0, 0) + question + records


def _name(data: bytes, at: int) -> tuple[str, int]:
    """The name that begins there, and where it ends."""
    labels = []
    while length := data[at]:
        labels.append(data[at + 1 : at + 1 + length].decode())
        at += length + 1
    return ".".join(labels), at + 1


@asynccontextmanager
async def naming(addresses: dict[str, list[str]]) -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(addresses), local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
