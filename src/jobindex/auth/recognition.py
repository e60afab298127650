"""Recognises callers: which parts of a request are credentials, and whose word on an address is believed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from jobindex.auth.caller import Caller

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Recognition:
    """Names of the headers and query arguments that are tokens, and the networks of the proxies in front."""

    token_headers: tuple[str, ...] = ()
    token_arguments: tuple[str, ...] = ()
    proxies: Sequence[Network] = ()

    def caller(self, headers: Mapping[str, str], query: Iterable[tuple[str, str]], peer: str) -> Caller:
        """The caller of a request; Orthanc takes the first of several headers of one name, and so do we."""
        names = ("Authorization", *self.token_headers)
        return Caller(
            headers=tuple((name, headers[name]) for name in names if name in headers),
            arguments=tuple((name, value) for name, value in query if name in self.token_arguments),
            address=self.address(headers, peer),
        )

    def believes(self, peer: str) -> bool:
        """Whether this address is a proxy's."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self.proxies)

    def address(self, headers: Mapping[str, str], peer: str) -> str:
        """The last address that a believed proxy has written; what stands before it may be made up."""
        told = headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if not told or not self.believes(peer):
            return peer
        try:
            return str(ip_address(told))
        except ValueError:
            return peer
