"""Seals what must be kept of a node's secrets: AES-GCM with a key made from the cluster's secret."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jobindex.auth.keyring import Keyring

NONCE = 12


class Vault:
    """Seals for one node at a time: what was sealed for one can't be opened for another."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, node_id: str, incarnation: str, secret: str) -> bytes:
        """With the first of the cluster's secrets; IndexError where there is none."""
        nonce = os.urandom(NONCE)
        cipher = _cipher(self._keyring.keys[0])
        return nonce + cipher.encrypt(nonce, secret.encode(), _bound_to(node_id, incarnation))

    def open(self, node_id: str, incarnation: str, sealed: bytes) -> str | None:
        """With any of them; None where it was sealed with another, for another node or incarnation, or never."""
        bound = _bound_to(node_id, incarnation)
        opened = (_opened(_cipher(key), sealed, bound) for key in self._keyring.keys)
        return next((plain for plain in opened if plain is not None), None)


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"jobindex node tokens").derive(secret))


def _opened(cipher: AESGCM, sealed: bytes, bound: bytes) -> str | None:
    try:
        return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], bound).decode()
    except (InvalidTag, ValueError):
        return None


def _bound_to(node_id: str, incarnation: str) -> bytes:
    return f"{node_id} {incarnation}".encode()
