"""Error texts: why Redis can't be asked, in words that name what to mend and hold no secret.

What Redis itself replies is quoted whole behind its code word, which redis-py takes off.

redis-py wraps what happened, sometimes twice, and Sentinel's errors reach us as text only.
"""

import re
import ssl
from collections.abc import Iterator

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)

from jobindex.errors import IndexUnreachable
from jobindex.store.failures import SCHEME, UNIX_SOCKET, failure, places

_WORDS = {
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
    NoPermissionError: "NOPERM",
    BusyLoadingError: "LOADING",
    MasterDownError: "MASTERDOWN",
    ClusterDownError: "CLUSTERDOWN",
}
"""The code words that are not in the text any more."""

MENDS = {
    "OOM": "raise `maxmemory`, or keep fewer jobs (JOBINDEX_KEEP_DAYS, JOBINDEX_KEEP_JOBS, `jobindex purge`)",
    "READONLY": "it is a replica: name the master in REDIS_URL, or the Sentinels (redis+sentinel://)",
    "NOPERM": "take the line of user `jobindex` from deploy/redis/users.acl, then ACL LOAD",
    "LOADING": "wait until it has read its file; its log says how far it is",
    "MISCONF": "see why it can't write its file: its log, the space on its disk, the rights of its folder",
    "CLUSTERDOWN": "bring the cluster's lost masters back (`redis-cli cluster info`)",
    "MASTERDOWN": "it is a replica that has lost its master: bring that back, or name the Sentinels in REDIS_URL",
    "NOREPLICAS": "bring its replicas back, or lower `min-replicas-to-write`",
    "BUSY": "somebody's script keeps it busy: SCRIPT KILL ends that",
    "MOVED": "it is part of a cluster: name the part that has the slot of {jobindex}, or a single Redis",
}
"""By code word: what to do about what Redis replies."""

_TLS = "TLS failed"
_UNTRUSTED = re.compile(r"certificate verify failed: ([^(\"]+)")
_WRONG_LOGIN = re.compile(
    r"NOAUTH|WRONGPASS|invalid username-password|Authentication required|already authenticated", re.IGNORECASE
)


def reply(error: BaseException) -> str:
    """What Redis replied, whole, its code word first; without the place in our script."""
    text = str(error).split(" script: ")[0]
    word = _WORDS.get(type(error), "")
    return text if text.startswith(word) else f"{word} {text}"


def mend(said: str) -> str:
    """What to do about a reply; "" where that is not known."""
    return MENDS.get(said.partition(" ")[0], "")


def reason(error: BaseException) -> str:
    """The first link in the chain of causes that says something, else how the connection failed, else its kind."""
    if told := _said(error):
        return told
    failed = failure(_text(error))
    return failed.why if failed else type(error).__name__


def unreachable(error: BaseException) -> IndexUnreachable:
    """The same with the place, and what to do about it."""
    text, said = _text(error), _said(error)
    failed = failure(text)
    if said:
        return IndexUnreachable(said, places(text), SCHEME if said.startswith(_TLS) else "")
    return IndexUnreachable(reason(error), places(text), failed.mend if failed else "")


def _said(error: BaseException) -> str:
    if UNIX_SOCKET in _text(error):
        return ""  # whose file is none for TLS
    return next((text for text in map(_told, _chain(error)) if text), "")


def _text(error: BaseException) -> str:
    return "; ".join(f"{type(each).__name__}: {each}" for each in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _told(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if found := _UNTRUSTED.search(text):
        return f"its certificate is not accepted: {found[1].strip()}"
    if type(error) in _WORDS:
        return reply(error)
    if isinstance(error, AuthenticationError) or _WRONG_LOGIN.search(text):
        return "the user or password is wrong, or none is given where one is needed"
    if isinstance(error, ssl.SSLError):
        return f"{_TLS} ({(error.reason or 'unknown').replace('_', ' ').lower()})"
    if isinstance(error, FileNotFoundError | PermissionError):
        return f"a file for TLS can't be read ({error.strerror})"
    return ""
