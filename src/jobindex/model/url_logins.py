"""URL logins: the user and the password in front of a URL's host, masked in compact JSON.

Where a login holds what should be written otherwise, nobody can tell where it ends.  Law: what may be one goes.  That
is, behind `://`, up to the last `@` of a word without white space and quotation marks, where a `:` stands in front of
it; up to the last `@` before a `/`, `?` or `#`, whatever else is in front of it, if that has a `:` or is one word.
"""

import re
from collections.abc import Iterator

_SCHEME = re.compile(rb":\x02?/\x02?/")
_WORD_END = re.compile(rb'[\s"\x01]')
_HOST_END = re.compile(rb'[/\x02?#"]')
_HIDDEN = (
    (b"\\\\", b"__"),
    (b'\\"', b"\x01\x01"),
    (b"\\/", b"\x02/"),
    *((space, b"  ") for space in (b"\\n", b"\\r", b"\\t", b"\\f")),
)
"""What JSON writes with a backslash, as something of the same length that is in no JSON."""


def without_logins(text: bytes) -> bytes:
    """Compact JSON, or a part of it that begins outside a string, without the logins in its URLs."""
    if b"@" not in text:
        return text
    pieces, written = [], 0
    for start, end in _logins(_plain(text)):
        pieces += [text[written:start], b"REDACTED"]
        written = end
    return b"".join([*pieces, text[written:]]) if pieces else text


def _plain(text: bytes) -> bytes:
    if b"\\" in text:
        for escape, plain in _HIDDEN:
            text = text.replace(escape, plain)
    return text


def _logins(text: bytes) -> Iterator[tuple[int, int]]:
    """Where they lie; each word is looked through once, however many `://` it has."""
    word_end = last = past = 0
    for found in _SCHEME.finditer(text):
        start = found.end()
        if start < past:
            continue
        if start >= word_end:
            word_end = _end(_WORD_END, text, start)
            last = text.rfind(b"@", start, word_end)
        end = max(_in_word(text, start, last), _before_host(text, start))
        if end > start:
            past = end
            yield start, end


def _in_word(text: bytes, start: int, last: int) -> int:
    return last if last > start and text.find(b":", start, last) >= 0 else -1


def _before_host(text: bytes, start: int) -> int:
    end = text.rfind(b"@", start, _end(_HOST_END, text, start))
    if end < 0 or text.find(b":", start, end) >= 0 or _WORD_END.search(text, start, end) is None:
        return end
    return text.rfind(b"@", start, _end(_WORD_END, text, start))


def _end(of: re.Pattern[bytes], text: bytes, start: int) -> int:
    found = of.search(text, start)
    return found.start() if found else len(text)
