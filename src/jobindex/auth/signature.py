"""Signed reports: HMAC-SHA256 with the cluster's secret over method, path, time, nonce and body."""

import hashlib
import hmac
from collections.abc import Mapping

from jobindex.errors import NotSigned

TIME = "X-Job-Index-Time"
NONCE = "X-Job-Index-Nonce"
SIGNATURE = "X-Job-Index-Signature"
WINDOW = 60_000
"""Milliseconds that the signer's clock may differ; one that differs more is told the time and signs again."""


def signature(secret: bytes, method: str, path: str, time_ms: str, nonce: str, body: bytes) -> str:
    """The signature in hexadecimal digits."""
    told = "\n".join([method, path, time_ms, nonce, hashlib.sha256(body).hexdigest()])
    return hmac.new(secret, told.encode(), hashlib.sha256).hexdigest()


def check(secret: bytes, method: str, path: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> None:
    """NotSigned unless the headers prove that one who knows the secret sent this, not long ago."""
    time_ms, nonce = headers.get(TIME, ""), headers.get(NONCE, "")
    if not (time_ms.isdecimal() and time_ms.isascii() and 16 <= len(nonce) <= 64 and nonce.isalnum()):
        raise NotSigned("The report is not signed")
    right = signature(secret, method, path, time_ms, nonce, body)
    if not hmac.compare_digest(right.encode(), headers.get(SIGNATURE, "").encode(errors="replace")):
        raise NotSigned("The signature is wrong: is the cluster's secret the same here and there?")
    if abs(int(time_ms) - now_ms) > WINDOW:
        raise NotSigned("The signature is too old or too new: is the clock right?")
