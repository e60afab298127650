"""Who may report: whoever signs with the cluster's secret, and each signature once.

Law: the signature is looked at before Redis is told anything, so that a stranger can't fill it.
"""

import time
from collections.abc import Mapping

from jobindex import metrics
from jobindex.auth.keyring import Keyring
from jobindex.auth.signature import check
from jobindex.errors import IndexAway, Replayed
from jobindex.service.view import View
from jobindex.store.nonces import Nonces


class Admission:
    """Lets reports in.  Without a secret, which has to be asked for (`insecure`), it lets everybody in."""

    def __init__(self, keyring: Keyring, nonces: Nonces, view: View) -> None:
        self._keyring = keyring
        self._nonces = nonces
        self._view = view

    async def admit(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """NotSigned, or Replayed, unless this may be taken; IndexAway where Redis can't say."""
        keys = self._keyring.keys
        if not keys:
            return
        proof = check(keys, "POST", path, headers, body, round(time.time() * 1000))
        metrics.signed.labels(proof.signer + 1).inc()
        if not self._view.connected:
            raise IndexAway("Redis is away")
        if not await self._nonces.spend(proof.nonce, proof.lasts):
            raise Replayed("This very report came before: it is a replay, or something between sends requests twice")
