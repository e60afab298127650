"""Untrusted peers: who forwards requests, or says so, and is no trusted proxy.

If such a peer is a proxy, all its clients are one caller here: one who guesses passwords holds up everybody.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Collection

from jobindex import metrics
from jobindex.auth.forwarding import Network, read_address

log = logging.getLogger(__name__)

MAX_PEERS = 100
"""Peers that are remembered, and so lines that one who sends from many addresses can cause until others come."""
MAX_SHOWN = 10


class UntrustedPeers:
    """Counts them, and logs each once."""

    def __init__(self, trusted: Collection[Network] = ()) -> None:
        self._trusted = [str(network) for network in trusted]
        self._peers: OrderedDict[str, None] = OrderedDict()

    def note(self, peer: str, header: str) -> None:
        """A request of this peer has this forwarding header."""
        metrics.untrusted_forwarding.inc()
        if peer in self._peers:
            return
        self._peers[peer] = None
        while len(self._peers) > MAX_PEERS:
            self._peers.popitem(last=False)
        log.warning(
            "%s sends %s, which is not believed: if it is a proxy of yours, set %s", peer, header, self.setting(peer)
        )

    def shown(self) -> dict[str, str]:
        """The last of them, each with the line that makes it a trusted proxy."""
        return {peer: self.setting(peer) for peer in list(self._peers)[-MAX_SHOWN:]}

    def setting(self, peer: str) -> str:
        """JOBINDEX_PROXIES with this peer in it, to be pasted."""
        address = read_address(peer)
        one = [f"{address}/{address.max_prefixlen}"] if address else []
        return f"JOBINDEX_PROXIES='{json.dumps(self._trusted + one)}'"
