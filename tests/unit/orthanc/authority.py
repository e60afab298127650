"""Authorities that tests make, and the certificates that they give."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates; its own is in `file`.

    Only an `identified` authority names its key usage and its key, and those keys in what it gives (RFC 5280).
    """

    def __init__(self, folder: Path, name: str = "authority", *, identified: bool = True) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        builder = self._builder(name, self._key, DAY)
        mine = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            data_encipherment=False, key_agreement=False, key_encipherment=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self._identified = identified
        if identified:
            mine = mine.add_extension(usage, critical=True).add_extension(self._identifier, critical=False)
        signed = mine.sign(self._key, SHA256())
        self.file.write_bytes(signed.public_bytes(Encoding.PEM))

    def certificate(self, *hosts: str, lasts: timedelta = DAY) -> Path:
        """A file with a certificate for these names and addresses, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier)
        builder = self._builder(hosts[0], key, lasts).add_extension(names, critical=False)
        if self._identified:
            builder = builder.add_extension(issuer, critical=False)
        signed = builder.sign(self._key, SHA256())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._folder / f"{signed.serial_number}.pem"
        file.write_bytes(signed.public_bytes(Encoding.PEM) + secret)
        return file

    def server(self, *hosts: str, lasts: timedelta = DAY, ask: bool = False) -> ssl.SSLContext:
        """What a server with such a certificate speaks; it may `ask` for one of its clients."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.certificate(*hosts, lasts=lasts))
        if ask:
            tls.verify_mode = ssl.CERT_REQUIRED
            tls.load_verify_locations(self.file)
        return tls

    def _builder(self, name: str, key: ec.EllipticCurvePrivateKey, lasts: timedelta) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=datetime.now(UTC) - 3 * DAY,
            not_valid_after=datetime.now(UTC) + lasts,
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
