"""An authority of the tests, and certificates that it gives: good ones, and such as must be refused."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """Its two files."""

    certificate: Path
    key: Path


class Authority:
    """Its own certificate is `file`; it writes the others into the same folder.

    Only an `identified` authority names its key usage and its key, and those keys in what it gives (RFC 5280).
    """

    def __init__(self, folder: Path, name: str = "authority", *, identified: bool = True) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._identified = identified
        can_sign = x509.BasicConstraints(ca=True, path_length=0)
        own = _built(self._name, self._name, self._key.public_key(), datetime.now(UTC) + DAY)
        own = own.add_extension(can_sign, critical=True)
        signed = (_identified(own, self._key) if identified else own).sign(self._key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def gives(self, name: str, *addresses: str, expired: bool = False) -> Certificate:
        """A certificate for these addresses, names or numbers, good for a day or over since yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        ends = datetime.now(UTC) + (-DAY if expired else DAY)
        built = _built(_name(name), self._name, key.public_key(), ends)
        names = x509.SubjectAlternativeName([_address(each) for each in addresses])
        built = built.add_extension(names, critical=False)
        if self._identified:
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
            built = built.add_extension(issuer, critical=False)
        signed = built.sign(self._key, hashes.SHA256())
        given = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        given.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        given.key.write_bytes(encoded)
        return given


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _address(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _identified(own: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        data_encipherment=False, key_agreement=False, key_encipherment=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return own.add_extension(usage, critical=True).add_extension(identifier, critical=False)


def _built(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=ends - 3 * DAY,
        not_valid_after=ends,
    )
