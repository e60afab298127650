"""TLS to Redis.

Python 3.13 and newer refuse private authorities that name no key usage or key identifier (RFC 5280 to the letter),
though they served for years; that one flag is left out, and every other check stays.

Law: whoever speaks TLS knows whom it speaks to; there is no way to leave the certificate or its name unchecked, and
no way back to plain.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom we trust (the machine's authorities where no file is named), and the certificate that we show, if any."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def options(self) -> dict[str, Any]:
        """As redis-py's TLS connections take them."""
        return {
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_exclude_verify_flags": [ssl.VerifyFlags.VERIFY_X509_STRICT],
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
            "ssl_ca_certs": _text(self.ca_file),
            "ssl_certfile": _text(self.certificate_file),
            "ssl_keyfile": _text(self.key_file),
        }


def _text(file: Path | None) -> str | None:
    return str(file) if file else None
