"""Where Orthancs may be: the networks of their addresses, and the names of their hosts.

Law: what counts is the address that is connected to; what some programs read in one way and some in another is refused.
"""

import errno
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from jobindex.errors import OutOfReach

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

NEVER = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "100.100.100.200/32",  # metadata of Alibaba,
        "168.63.129.16/32",  # of Azure,
        "192.0.0.192/32",  # of Oracle
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast
        "::/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::254/128",  # metadata of AWS,
        "fd20:ce::254/128",  # of Google
    )
)
"""What no setting admits."""

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)

_URL = re.compile(r"https?://(?:([A-Za-z0-9._-]{1,253})|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)
"""A last label with which some resolvers take the whole for an IPv4 address."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A name is admitted where it is one of `names`, or ends in one that begins with a dot; () admits all names."""

    networks: Sequence[Network]
    names: Sequence[str] = ()

    def check(self, url: str) -> None:
        """OutOfReach unless an Orthanc may be there, as far as the address tells without asking a resolver."""
        host = _host(url)
        if isinstance(host, str):
            self._check_name(host)
        elif reason := self.against(host):
            raise OutOfReach(reason)

    def against(self, address: Address) -> str:
        """Why nobody at this address is called; "" where an Orthanc may be there."""
        for each in _meant(address):
            if any(each in network for network in NEVER):
                return f"no Orthanc is ever at {address}"
            if not any(each in network for network in self.networks):
                return f"{address} is not in the networks of the Orthancs (JOBINDEX_NODE_NETWORKS)"
        return ""

    def socket_to(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for one address that aiohttp is about to connect to: literals too, and each that a name stands for.

        PermissionError bars this address; aiohttp goes on with the next that the name has.
        """
        family, kind, protocol, _, (host, *_) = info
        if reason := self.against(ip_address(host)):
            raise PermissionError(errno.EACCES, reason)
        return socket.socket(family, kind, protocol)

    def _check_name(self, name: str) -> None:
        """`localhost` is no name like others: everybody knows where it leads."""
        if (name == "localhost" or name.endswith(".localhost")) and (reason := self.against(IPv4Address("127.0.0.1"))):
            raise OutOfReach(f"{name}: {reason}")
        if self.names and not any(name == each or (each[:1] == "." and name.endswith(each)) for each in self._lower()):
            raise OutOfReach(f"{name} is none of the names of the Orthancs (JOBINDEX_NODE_NAMES)")

    def _lower(self) -> Iterator[str]:
        return (each.lower() for each in self.names)


def _host(url: str) -> Address | str:
    """The address that the host is, or its name in small letters; what is neither for certain is OutOfReach."""
    found = _URL.fullmatch(url)
    if found is None or not 0 < int(found[3] or 80) < 65536:
        raise OutOfReach("an address is http://host:port or https://host:port and nothing else")
    try:
        return IPv6Address(found[2]) if found[2] else IPv4Address(found[1])
    except ValueError:
        host = (found[1] or "").lower()
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        raise OutOfReach(f"{host} is neither a name nor an address as it is usually written")
    return host


def _meant(address: Address) -> Iterator[Address]:
    """An address, and those within that a translator or a tunnel leads to; one that is mapped is its IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    yield address
    if isinstance(address, IPv6Address):
        yield from _embedded(address)


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    if address.sixtofour:
        yield address.sixtofour
    yield from address.teredo or ()
    number = int(address)
    compatible = address in _COMPATIBLE and number > 1
    isatap = number >> 32 & 0xFFFFFFFF in _ISATAP
    if compatible or isatap or any(address in network for network in _NAT64):
        yield IPv4Address(number & 0xFFFFFFFF)
