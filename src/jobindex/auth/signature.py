"""Signed reports: HMAC-SHA256 with the cluster's secret over method, path, time, nonce and body."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jobindex.errors import NotSigned

TIME = "X-Job-Index-Time"
NONCE = "X-Job-Index-Nonce"
SIGNATURE = "X-Job-Index-Signature"
WINDOW = 60_000
"""Milliseconds that the signer's clock may differ; one that differs more is told the time and signs again."""

UNSIGNED = "The report is not signed"
WRONG = "The signature is wrong: is the cluster's secret the same here and there?"
STALE = "The signature is too old or too new: is the clock right?"


class Proof(NamedTuple):
    """A right signature: its nonce, how long it could count (ms), and which of the keys it was made with."""

    nonce: str
    lasts: int
    signer: int


def signature(secret: bytes, method: str, path: str, time_ms: str, nonce: str, body: bytes) -> str:
    """The signature in hexadecimal digits."""
    return _mac(secret, _message(method, path, time_ms, nonce, body))


def check(keys: Sequence[bytes], method: str, path: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> Proof:
    """NotSigned unless the headers prove that one who knows a secret sent this, not long ago.

    It could count on another replica too, whose clock is behind ours by as much as a node's may be.
    """
    time_ms, nonce = headers.get(TIME, ""), headers.get(NONCE, "")
    if not (_is_time(time_ms) and _is_nonce(nonce)):
        raise NotSigned(UNSIGNED)
    given = headers.get(SIGNATURE, "").encode(errors="replace")
    signer = _signer(keys, _message(method, path, time_ms, nonce, body), given)
    if signer is None:
        raise NotSigned(WRONG)
    if abs(int(time_ms) - now_ms) > WINDOW:
        raise NotSigned(STALE)
    return Proof(nonce, int(time_ms) + 2 * WINDOW - now_ms, signer)


def _signer(keys: Sequence[bytes], message: bytes, given: bytes) -> int | None:
    right = (number for number, key in enumerate(keys) if hmac.compare_digest(_mac(key, message).encode(), given))
    return next(right, None)


def _message(method: str, path: str, time_ms: str, nonce: str, body: bytes) -> bytes:
    return "\n".join([method, path, time_ms, nonce, hashlib.sha256(body).hexdigest()]).encode()


def _mac(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _is_time(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= 16


def _is_nonce(text: str) -> bool:
    """What may stand in the name of a key."""
    return 16 <= len(text) <= 64 and text.isalnum() and text.isascii()
