"""Connection failures over HTTP: why nobody answered, in a few words."""

import os
import socket

import aiohttp


def reason(error: BaseException) -> str:
    """Of aiohttp's errors, time-outs, and ours that come of one; our own text where nothing is behind it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not accepted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connecting(error.os_error)
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return "the connection was ended there"
    if isinstance(error, aiohttp.ClientResponseError):
        return "what answers is no HTTP"
    return reason(error.__cause__) if error.__cause__ else str(error) or type(error).__name__


def _connecting(error: OSError) -> str:
    """The system's word by its number: asyncio's text is about its own call."""
    if isinstance(error, socket.gaierror):
        return "its name is unknown"
    if "SSL" in type(error).__name__:
        return "TLS failed: is it https:// where it should be http://?"
    return os.strerror(error.errno).lower() if error.errno else str(error)
