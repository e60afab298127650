"""Forwarding headers: the address of a caller behind trusted proxies.

Law: exactly one header is read, from the right, for as long as each hop is a trusted proxy; what stands before the
first that is none may be made up.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from multidict import MultiMapping

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDED = "forwarded"
"""The one header (RFC 7239) whose elements have members: for=, by=, host=, proto=."""
HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded")
"""Headers by which a proxy may be told from a client."""

_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*"?([^";]*)', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}", re.ASCII)


def client_address(headers: Mapping[str, str], header: str, peer: str, trusted: Collection[Network]) -> str:
    """The last address on the way here that is no trusted proxy's, as far as the hops can be read."""
    address = read_address(peer)
    if address is None:
        return peer
    hops = _hops(headers, header) if is_trusted(address, trusted) else []
    while hops and is_trusted(address, trusted):
        before = read_address(hops.pop())
        if before is None:
            break
        address = before
    return str(address)


def is_trusted(address: Address, trusted: Collection[Network]) -> bool:
    return any(address in network for network in trusted)


@lru_cache(maxsize=4096)
def read_address(told: str) -> Address | None:
    """An address, also one with a port or in brackets; one of IPv4 in the form of IPv6 is one of IPv4."""
    found = _WITH_PORT.fullmatch(told)
    try:
        address = ip_address((found.group(1) or found.group(2)) if found else told)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def forwarding_header(headers: Mapping[str, str], header: str) -> str:
    """The header by which a request says that it was forwarded; "" for none."""
    return next((each for each in (header, *HEADERS) if each in headers), "")


def _hops(headers: Mapping[str, str], header: str) -> list[str]:
    lines = headers.getall(header, []) if isinstance(headers, MultiMapping) else [headers.get(header, "")]
    told = ",".join(lines)
    if header.lower() == FORWARDED:
        return [_for(element) for element in _QUOTED.sub(_without_commas, told).split(",")]
    return [hop.strip() for hop in told.split(",")]


def _for(element: str) -> str:
    found = _FOR.search(element)
    return found.group(1).strip() if found else ""


def _without_commas(quoted: re.Match[str]) -> str:
    return quoted.group().replace(",", "")
