"""A caller: the credentials it brought, which go to an Orthanc as they are and nowhere else."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

_KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class Caller:
    """Who asks.  Its credentials are never logged, never stored; address and name are for limits and the audit."""

    headers: tuple[tuple[str, str], ...]
    arguments: tuple[tuple[str, str], ...] = ()
    """Tokens of the authorization plugin that stood in the query, decoded."""
    address: str = ""
    """Where it is, as far as the proxies that are believed can tell."""
    trusted_name: str = ""
    """Who it is by the word of a proxy that has decided already; "" where Orthanc decides."""
    roles: tuple[str, ...] = ()
    """And in which roles, by the same word.  Nothing is decided by either: they are for the audit."""
    barred: str = ""
    """Why it is let in nowhere, before any other question is asked."""

    def __repr__(self) -> str:
        return f"Caller({self.fingerprint[:8]})"

    @cached_property
    def fingerprint(self) -> str:
        """Stands for the credentials in memory, for as long as the process lives."""
        told = repr((self.headers, self.arguments, self.trusted_name))
        return blake2b(told.encode(errors="surrogateescape"), key=_KEY, digest_size=32).hexdigest()

    def digest(self, key: bytes) -> str:
        """Stands for the credentials wherever this key is known."""
        told = repr((self.headers, self.arguments))
        return blake2b(told.encode(errors="surrogateescape"), key=key, digest_size=16).hexdigest()

    @property
    def has_password(self) -> bool:
        """Whether it logs in with a password, which can be guessed as a token can't."""
        return dict(self.headers).get("Authorization", "").partition(" ")[0].lower() == "basic"

    @property
    def name(self) -> str:
        """A proxy's word, or the user of a basic login; "" for tokens and for nobody.  Not proven by itself."""
        return self.trusted_name or _basic_user(dict(self.headers).get("Authorization", ""))


def _basic_user(authorization: str) -> str:
    scheme, _, told = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        login = base64.b64decode(told, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
    return login.partition(":")[0]
