"""Which headers pass between a caller and an Orthanc; everything else stays behind."""

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


def permitted(headers: Mapping[str, str], *, with_length: bool = False) -> dict[str, str]:
    """The headers of an owner's answer that the caller gets; the length only where the body is passed on as it is."""
    return {name: headers[name] for name in FROM_OWNER if name in headers and (with_length or name != "Content-Length")}
