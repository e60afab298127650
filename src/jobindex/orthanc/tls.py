"""TLS to the Orthancs: whose certificates are believed, and which one we show.

Python 3.13 and newer refuse private authorities that name no key usage or key identifier (RFC 5280 to the letter),
though they served for years; that one flag is left out, and every other check stays.
"""

import ssl
from pathlib import Path


def tls_context(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None, *, verify: bool = True
) -> ssl.SSLContext:
    """The system's authorities where no `ca` is named.  OSError (ssl.SSLError is one) where a file can't be used."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key, password="")
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
