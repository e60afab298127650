"""Which headers pass between a caller and an Orthanc; everything else stays behind."""

import re
from collections.abc import Mapping

FROM_OWNER = (
    "Content-Type",
    "Content-Length",
    "Content-Disposition",
    "WWW-Authenticate",
    "Allow",
    "Retry-After",
)
"""Hop-by-hop headers, cookies, and what describes another encoding, are not among them."""

_WORD = r"[A-Za-z0-9!#$&^_.+-]{1,64}"
_TYPE = re.compile(rf'{_WORD}/{_WORD}( ?; ?{_WORD}=({_WORD}|"[^"\\]{{0,64}}"))*')


def permitted(headers: Mapping[str, str], *, with_length: bool = False) -> dict[str, str]:
    """The headers of an owner's answer that the caller gets; the length only where the body is passed on as it is.

    What can't be printed stays behind, and a type that is none becomes that of any bytes.
    """
    names = FROM_OWNER if with_length else [name for name in FROM_OWNER if name != "Content-Length"]
    told = {name: headers[name] for name in names if headers.get(name, "").isprintable() and name in headers}
    if not _TYPE.fullmatch(told.get("Content-Type", "text/plain")):
        told["Content-Type"] = "application/octet-stream"
    return told
