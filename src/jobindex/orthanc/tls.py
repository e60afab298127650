"""TLS to the Orthancs: whose certificates are believed, and which one we show."""

import ssl
from pathlib import Path


def tls_context(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None, *, verify: bool = True
) -> ssl.SSLContext:
    """The system's authorities where no `ca` is named.  OSError (ssl.SSLError is one) where a file can't be used."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key, password="")
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
