"""Redaction of a job: what is masked depends on where it stands and on the type of the job.

Law: `UserData` is its submitter's and is never masked.  In `Content` of a type that is known secrets stand in known
places, and nothing else there is masked; of a type that is not known every value is whose name speaks of a secret, as
in all other members.  Logins in URLs are masked everywhere but in `UserData`.
"""

from collections.abc import Iterable, Iterator

from jobindex.model.spans import elements_in, members_in
from jobindex.model.text import REDACTED, are_secret, redact
from jobindex.model.url_logins import without_logins

PEER = (b"Peer",)
SERVER = (b"Server",)
NOWHERE: tuple[bytes, ...] = ()

PLACES: dict[str, tuple[bytes, ...]] = {
    "Archive": NOWHERE,
    "Media": NOWHERE,
    "DicomModalityStore": NOWHERE,
    "DicomMoveScu": NOWHERE,
    "DicomGetScu": NOWHERE,
    "ResourceModification": NOWHERE,
    "MergeStudy": NOWHERE,
    "SplitStudy": NOWHERE,
    "StorageCommitmentScp": NOWHERE,
    "SequenceOfOperations": NOWHERE,
    "OrthancPeerStore": PEER,
    "PushTransfer": PEER,
    "PullTransfer": PEER,
    "DicomWebStowClient": SERVER,
    "DicomWebWadoRetrieveClient": SERVER,
}
"""By type of job: the members of Content below which secrets stand; `docs/security.md` has the same table."""

PASSWORD_AT = 2
"""Where in the list that older releases tell of a peer its password would stand: address, user, password."""


def redacted(text: bytes, kind: str, names: Iterable[str] | None = None) -> bytes:
    """A compact job's text without its secrets; who knows all `names` in a short text spares a search."""
    quiet = b"@" not in text and names is not None and not PLACES.get(kind) and not are_secret(names)
    return text if quiet else b"{" + b",".join(_members(text, kind)) + b"}"


def _members(text: bytes, kind: str) -> Iterator[bytes]:
    for name, start, end in members_in(text):
        member, value = b'"' + name + b'":', text[start:end]
        if name == b"Content" and kind in PLACES and value.startswith(b"{"):
            yield member + _content(value, PLACES[kind])
        else:
            yield member + value if name == b"UserData" else redact(member + value)


def _content(text: bytes, places: tuple[bytes, ...]) -> bytes:
    told = ((name, text[start:end]) for name, start, end in members_in(text))
    masked = (
        b'"' + name + b'":' + (_place(value) if name in places else without_logins(value)) for name, value in told
    )
    return b"{" + b",".join(masked) + b"}"


def _place(value: bytes) -> bytes:
    """What is told of a peer or a server: an object, the list of older releases, or its name."""
    if not value.startswith(b"["):
        return redact(value)
    told = [redact(value[start:end]) for start, end in elements_in(value)]
    told[PASSWORD_AT:] = [each if each in (b'""', b"null") else REDACTED for each in told[PASSWORD_AT:]]
    return b"[" + b",".join(told) + b"]"
