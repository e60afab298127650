"""A caller: the credentials it brought, which go to an Orthanc as they are and nowhere else."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Caller:
    """The credential headers of a request; never logged, never stored."""

    headers: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"Caller({self.fingerprint[:8]})"

    @property
    def fingerprint(self) -> str:
        """Stands for the caller in memory, for as long as the process lives."""
        told = "\n".join(f"{name}:{value}" for name, value in self.headers)
        return hmac.new(_KEY, told.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()


def caller_of(headers: Mapping[str, str], token_headers: tuple[str, ...] = ()) -> Caller:
    """The caller of a request; Orthanc takes the first of several headers of one name, and so do we."""
    names = ("Authorization", *token_headers)
    return Caller(tuple((name, headers[name]) for name in names if name in headers))
