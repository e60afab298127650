"""Recognises callers: which parts of a request are credentials, and whose word on an address is believed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobindex.auth.caller import Caller
from jobindex.auth.forwarding import Network, client_address, forwarding_header, is_trusted, read_address
from jobindex.auth.untrusted import UntrustedPeers


@dataclass(frozen=True, slots=True)
class Recognition:
    """Names of the headers and query arguments that are tokens, and the networks of the proxies in front."""

    token_headers: tuple[str, ...] = ()
    token_arguments: tuple[str, ...] = ()
    proxies: Sequence[Network] = ()
    address_header: str = "X-Forwarded-For"
    """The one header in which they say where a caller is."""
    untrusted: UntrustedPeers = field(default_factory=UntrustedPeers)

    def caller(self, headers: Mapping[str, str], query: Iterable[tuple[str, str]], peer: str) -> Caller:
        """The caller of a request; Orthanc takes the first of several headers of one name, and so do we."""
        names = ("Authorization", *self.token_headers)
        return Caller(
            headers=tuple((name, headers[name]) for name in names if name in headers),
            arguments=tuple((name, value) for name, value in query if name in self.token_arguments),
            address=self.address(headers, peer),
        )

    def believes(self, peer: str) -> bool:
        """Whether this address is a trusted proxy's."""
        address = read_address(peer)
        return address is not None and is_trusted(address, self.proxies)

    def address(self, headers: Mapping[str, str], peer: str) -> str:
        """Where the caller is; a forwarding header of anybody but a trusted proxy is only noted."""
        header = forwarding_header(headers, self.address_header)
        if header and not self.believes(peer):
            self.untrusted.note(peer, header)
        return client_address(headers, self.address_header, peer, self.proxies)
