"""A job as text: Orthanc's JSON without white space, its members, order and number literals kept.

Parsing and printing again would change literals (`0.0060000000000000001`), so what must be altered
is altered in the text, one member at a time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from jobindex.model.spans import elements_in, members_in
from jobindex.model.url_logins import without_logins

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_STRING + rb'|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_SPACE = b" \t\n\r\f\v"
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]..", re.DOTALL)
_SECRETS = (b"authorization", b"token", b"secret", b"passw", b"cookie", b"apikey", b"api-key", b"httpheaders")

REDACTED = b'"REDACTED"'


def compact(text: bytes) -> bytes:
    """`text` without the white space between its tokens; what is no JSON for its quotation marks is left as it is."""
    if b"\\" not in text:
        return _compacted(text)
    if b"\0" in text or b"\1" in text:  # no JSON has these
        return text
    hidden = text.replace(b"\\\\", b"\0").replace(b'\\"', b"\1")
    return _compacted(hidden).replace(b"\1", b'\\"').replace(b"\0", b"\\\\")


def _compacted(text: bytes) -> bytes:
    """The same where each quotation mark begins or ends a string."""
    parts = text.split(b'"')
    if not len(parts) % 2:
        return text
    parts[::2] = b'"'.join(parts[::2]).translate(None, _SPACE).split(b'"')
    return b'"'.join(parts)


def mended(text: bytes) -> bytes:
    """JSON in which halves of surrogate pairs, and bytes that are no UTF-8, are U+FFFD instead."""
    text = text.decode(errors="replace").encode()
    return _ESCAPE.sub(lambda found: b"\\ufffd" if _HALF.fullmatch(found[0]) else found[0], text)


def most_members(text: bytes) -> int:
    """How many members all objects of a compact JSON text have at most; strings with `:` in front count too."""
    return text.count(b'":')


def speaks_of_secrets(text: bytes) -> bool:
    return any(map(text.lower().__contains__, _SECRETS))


@lru_cache(1000)
def _is_secret(name: str) -> bool:
    """There are few names, and each job has the same again."""
    return speaks_of_secrets(name.encode())


def are_secret(names: Iterable[str]) -> bool:
    """Whether one of these names speaks of a secret."""
    return any(map(_is_secret, names))


def redact(text: bytes) -> bytes:
    """Mask every value below a member whose name speaks of a secret, and logins in URLs; `text` is compact.

    The names are those that Orthanc and its plugins use for passwords, tokens and a peer's HTTP headers.
    What is an object stays one, with the same names in it.
    """
    text = without_logins(text)
    return b"".join(_masked(_TOKEN.findall(text))) if speaks_of_secrets(text) else text


def _masked(tokens: list[bytes]) -> Iterator[bytes]:
    secret_ends = 0
    for position, token in enumerate(tokens):
        is_name = token.startswith(b'"') and tokens[position + 1 : position + 2] == [b":"]
        if is_name and position >= secret_ends and speaks_of_secrets(token):
            secret_ends = _after_value(tokens, position + 2)
        is_value = not is_name and token not in b"{}[]:,"
        yield REDACTED if is_value and position < secret_ends else token


def _after_value(tokens: list[bytes], position: int) -> int:
    """The position behind the value that begins at `position`, however deep it is."""
    depth = 0
    while True:
        depth += (tokens[position] in b"{[") - (tokens[position] in b"}]")
        position += 1
        if depth == 0:
            return position


_ABOUT = (b"Content", b"ErrorDetails", b"UserData")
"""The members that may speak of patients: what a job is about, and free text.  `UserData` is of release 1.12.9."""
_EMPTY = {b"{": b"{}", b"[": b"[]", b'"': b'""'}


def minimal(text: bytes) -> bytes:
    """`text`, a compact job, with nothing in it that may speak of patients; what is emptied keeps its type."""
    found = members(text)
    emptied = {name: _EMPTY.get(found[name][:1], b"null") for name in _ABOUT if name in found}
    return text if emptied.items() <= found.items() else with_members(text, emptied)


def members(text: bytes) -> dict[bytes, bytes]:
    """The members of a compact JSON object: names without quotes, values as text, in order."""
    return {name: text[start:end] for name, start, end in members_in(text)}


def elements(text: bytes) -> list[bytes]:
    """The elements of a compact JSON array, as text."""
    return [text[start:end] for start, end in elements_in(text)]


def with_members(text: bytes, changed: Mapping[bytes, bytes]) -> bytes:
    """`text` with some members replaced or added, in Orthanc's order: by name."""
    return joined({**members(text), **changed})


def joined(members: Mapping[bytes, bytes]) -> bytes:
    """An object of these members, in Orthanc's order."""
    return b"{" + b",".join(b'"' + name + b'":' + members[name] for name in sorted(members)) + b"}"
