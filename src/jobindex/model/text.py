"""A job as text: Orthanc's JSON without white space, its members, order and number literals kept.

Parsing and printing again would change literals (`0.0060000000000000001`), so what must be altered
is altered in the text, one member at a time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_STRING + rb'|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_STRING_OR_SPACE = re.compile(rb"(" + _STRING + rb")|\s+")
_LOGIN = re.compile(rb'(?<=://)[^/@"\\\s]+(?=@)')
_SPACE = b" \t\n\r\f\v"
_SECRETS = (b"authorization", b"token", b"secret", b"passw", b"cookie", b"apikey", b"api-key", b"httpheaders")

REDACTED = b'"REDACTED"'


def compact(text: bytes) -> bytes:
    """`text` without the white space between its tokens."""
    parts = _parted(text)
    return _STRING_OR_SPACE.sub(rb"\1", text) if parts is None else b'"'.join(parts)


def _parted(text: bytes) -> list[bytes] | None:
    """What stands outside of strings, without white space, and inside of them, by turns.

    None where a quotation mark may be no end of a string.
    """
    parts = text.split(b'"') if b"\\" not in text else []
    if not len(parts) % 2:
        return None
    parts[::2] = b'"'.join(parts[::2]).translate(None, _SPACE).split(b'"')
    return parts


def most_members(text: bytes) -> int:
    """How many members all objects of a compact JSON text have at most; strings with `:` in front count too."""
    return text.count(b'":')


def speaks_of_secrets(text: bytes) -> bool:
    return any(map(text.lower().__contains__, _SECRETS))


@lru_cache(1000)
def _is_secret(name: str) -> bool:
    """There are few names, and each job has the same again."""
    return speaks_of_secrets(name.encode())


def redact(text: bytes, names: Iterable[str] | None = None) -> bytes:
    """Mask every value below a member whose name speaks of a secret, and logins in URLs; `text` is compact.

    The names are those that Orthanc and its plugins use for passwords, tokens and a peer's HTTP headers.
    What is an object stays one, with the same names in it.  Who knows all `names` in a short text spares a search.
    """
    text = _LOGIN.sub(b"REDACTED", text) if b"@" in text else text
    speaks = speaks_of_secrets(text) if names is None else any(map(_is_secret, names))
    return b"".join(_masked(_TOKEN.findall(text))) if speaks else text


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
    found: dict[bytes, bytes] = {}
    tokens = _TOKEN.findall(text)
    position = 1
    while tokens[position] != b"}":
        name, start = tokens[position][1:-1], position + 2
        position = _after_value(tokens, start)
        found[name] = b"".join(tokens[start:position])
        position += tokens[position] == b","
    return found


def elements(text: bytes) -> list[bytes]:
    """The elements of a compact JSON array, as text."""
    found: list[bytes] = []
    tokens = _TOKEN.findall(text)
    start = 1
    while tokens[start] != b"]":
        position = _after_value(tokens, start)
        found.append(b"".join(tokens[start:position]))
        start = position + (tokens[position] == b",")
    return found


def with_members(text: bytes, changed: Mapping[bytes, bytes]) -> bytes:
    """`text` with some members replaced or added, in Orthanc's order: by name."""
    merged = {**members(text), **changed}
    names = sorted(merged)
    return b"{" + b",".join(b'"' + name + b'":' + merged[name] for name in names) + b"}"
