"""Why Redis can't be asked, in words that name what to mend and hold no secret.

redis-py wraps what happened, sometimes twice, and Sentinel's errors reach us as text only.
"""

import re
import ssl
from collections.abc import Iterator

from redis.exceptions import AuthenticationError, NoPermissionError

_UNTRUSTED = re.compile(r"certificate verify failed: ([^(\"]+)")
_WRONG_LOGIN = re.compile(
    r"NOAUTH|WRONGPASS|invalid username-password|Authentication required|already authenticated", re.IGNORECASE
)


def reason(error: BaseException) -> str:
    """The first link in the chain of causes that says something, else the kind of the error."""
    told = (_told(each) for each in _chain(error))
    return next((text for text in told if text), type(error).__name__)


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
    if isinstance(error, NoPermissionError):
        return text
    if isinstance(error, AuthenticationError) or _WRONG_LOGIN.search(text):
        return "the user or password is wrong, or none is given where one is needed"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or 'unknown').replace('_', ' ').lower()})"
    if isinstance(error, FileNotFoundError | PermissionError):
        return f"a file for TLS can't be read ({error.strerror})"
    return ""
