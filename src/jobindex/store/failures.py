"""Connection failures: where Redis was looked for, why nobody answers there, and what to do; never a login.

What Sentinels meet reaches us as text only, so the text of every error in the chain is looked at.
"""

import errno
import re
from typing import NamedTuple

SCHEME = "write rediss:// in REDIS_URL where Redis expects TLS, redis:// where it has none"

UNIX_SOCKET = "connecting to /"


class Failure(NamedTuple):
    """`mend` begins like a request."""

    why: str
    mend: str


_NUMBER = r"Err(?:or|no) {}\b"
_FAILURES = (
    (
        "No master found",
        Failure(
            "no Sentinel tells where the master is",
            "see that they run, are reached from here, and know it by the name in REDIS_URL",
        ),
    ),
    (UNIX_SOCKET, Failure("no such socket", "correct the path in REDIS_URL")),
    (r"gaierror|Error -\d+ connecting", Failure("its name is unknown", "correct the name in REDIS_URL, or see DNS")),
    (
        _NUMBER.format(errno.ECONNREFUSED),
        Failure("connection refused", "see that Redis runs and listens there, or correct REDIS_URL"),
    ),
    (
        f"{_NUMBER.format(errno.EHOSTUNREACH)}|{_NUMBER.format(errno.ENETUNREACH)}",
        Failure("no way leads there", "correct the address in REDIS_URL, or see the network and its firewalls"),
    ),
    (
        r"ConnectionReset|Connection closed|BrokenPipe|IncompleteRead",
        Failure("the connection was ended there", SCHEME + "; Redis's log says more"),
    ),
    (r"InvalidResponse", Failure("something else than Redis answers", f"correct REDIS_URL; {SCHEME}")),
    (
        r"Timeout|timed out",
        Failure("timed out", f"see that Redis is not stuck and no firewall is between; {SCHEME}"),
    ),
)
_PLACE = re.compile(r"(?:connecting to|reading from|closed by|asked of) ([^\s,;'\"]+?)\.?(?=[\s,;'\")]|$)")


def failure(text: str) -> Failure | None:
    """What the first pattern makes of the text of a chain of errors; None where none fits."""
    return next((told for pattern, told in _FAILURES if re.search(pattern, text)), None)


def places(text: str) -> str:
    """The addresses in such a text, each once; "" where there is none."""
    found = (place for place in _PLACE.findall(text) if not place.startswith("server") and "@" not in place)
    return ", ".join(dict.fromkeys(found))
