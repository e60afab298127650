"""Seals what must be kept of a node's secrets: AES-GCM with a key made from the cluster's secret."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12


class Vault:
    """Seals for one node at a time: what was sealed for one can't be opened for another."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"jobindex node tokens").derive(secret)
        self._cipher = AESGCM(key)

    def seal(self, node_id: str, incarnation: str, secret: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), _bound_to(node_id, incarnation))

    def open(self, node_id: str, incarnation: str, sealed: bytes) -> str | None:
        """None where it was sealed with another secret, for another node or incarnation, or never."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], _bound_to(node_id, incarnation))
        except (InvalidTag, ValueError):
            return None
        return plain.decode()


def _bound_to(node_id: str, incarnation: str) -> bytes:
    return f"{node_id} {incarnation}".encode()
