"""What the settings say of safety, read before anything starts: secrets, addresses, certificates, what is left open.

Law: nothing is left open unless a setting says so, and whatever is left open is told.
"""

import errno
import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobindex.audit.trail import OFF
from jobindex.auth.keyring import Keyring
from jobindex.errors import OutOfReach
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.tls import tls_context
from jobindex.settings import Settings
from jobindex.store.tls import Tls

HOW_TO_BEGIN = """The cluster has no secret.  Make one, give it to every replica and every Orthanc, and start again:
  openssl rand -hex 32 > jobindex-secret && chmod 600 jobindex-secret
  export JOBINDEX_SECRET_FILE=$PWD/jobindex-secret
(To try things out without one: --insecure.  Then whoever reaches the internal port can make jobs up.)"""


class UnusableSetting(ValueError):
    """A setting names something that can't be used; the text says why, `field` which setting."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Safety:
    """`insecurities` are plain words for what is left open."""

    keyring: Keyring
    reach: Reach
    tls: ssl.SSLContext
    insecurities: Sequence[str]


def read_safety(settings: Settings) -> Safety:
    """ValueError, with words for the operator, where these settings can't be used."""
    keyring = read_keyring(settings)
    reach = read_reach(settings)
    _check_secret(settings, keyring)
    _check_named(settings, reach)
    return Safety(keyring, reach, read_node_tls(settings), _insecurities(settings, keyring))


def setting_faults(settings: Settings) -> list[UnusableSetting]:
    """All files and addresses in these settings that can't be used."""
    readings: tuple[Callable[[Settings], object], ...] = (
        *(read_keyring, _read_named, read_node_tls, read_redis_tls),
        _check_audit_file,
    )
    return [fault for read in readings for fault in _tried(read, settings)]


def read_keyring(settings: Settings) -> Keyring:
    with _of("secret_file" if settings.secret_file else "secret"):
        return Keyring(settings.secret.get_secret_value(), settings.secret_file)


def read_reach(settings: Settings) -> Reach:
    return Reach(settings.node_networks, settings.node_names)


def read_node_tls(settings: Settings) -> ssl.SSLContext:
    """UnusableSetting where a file can't be used."""
    _check_pem("node", settings.node_ca_file, settings.node_certificate_file, settings.node_key_file)
    return tls_context(
        settings.node_ca_file,
        settings.node_certificate_file,
        settings.node_key_file,
        verify=settings.node_tls_verify,
    )


def read_redis_tls(settings: Settings) -> Tls:
    """UnusableSetting where a file can't be used."""
    files = settings.redis_ca_file, settings.redis_certificate_file, settings.redis_key_file
    _check_pem("redis", *files)
    return Tls(*files)


def _check_pem(whose: str, ca: Path | None, certificate: Path | None, key: Path | None) -> None:
    """Each file by itself, so that the one that is wrong is named; Python reads a key with its certificate only."""
    with _of(f"{whose}_ca_file"):
        tls_context(ca)
    if key:
        with _of(f"{whose}_key_file"):
            key.read_bytes()
            if not certificate:
                raise ValueError(
                    f"a key is of no use without its certificate (JOBINDEX_{whose.upper()}_CERTIFICATE_FILE)"
                )
    with _of(f"{whose}_certificate_file"):
        tls_context(None, certificate, key)


def _check_audit_file(settings: Settings) -> None:
    """It is made when it is written to, so its folder has to be there."""
    if settings.audit_file in ("", OFF):
        return
    file = Path(settings.audit_file)
    with _of("audit_file"):
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        file.parent.stat()
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _tried(read: Callable[[Settings], object], settings: Settings) -> Iterator[UnusableSetting]:
    try:
        read(settings)
    except UnusableSetting as fault:
        yield fault


@contextmanager
def _of(field: str) -> Iterator[None]:
    """What goes wrong here is this setting's fault.  An ssl.SSLError is an OSError without a file's name."""
    try:
        yield
    except ssl.SSLError as error:
        raise UnusableSetting(field, _pem_reason(error)) from error
    except OSError as error:
        raise UnusableSetting(field, f"{error.strerror}") from error
    except ValueError as error:
        raise UnusableSetting(field, str(error)) from error


def _pem_reason(error: ssl.SSLError) -> str:
    """OpenSSL names what it looked for in capital letters."""
    return (error.reason or "it has no certificate").replace("_", " ").lower()


def _read_named(settings: Settings) -> None:
    _check_named(settings, read_reach(settings))


def _check_secret(settings: Settings, keyring: Keyring) -> None:
    if keyring.keys:
        return
    if not settings.insecure:
        raise ValueError(HOW_TO_BEGIN)
    if settings.sample_routes:
        raise ValueError("JOBINDEX_SAMPLE_ROUTES keeps tokens of Orthancs, and without a secret nothing can seal them.")
    if settings.callers == "trust":
        raise ValueError("JOBINDEX_CALLERS=trust keeps tokens of Orthancs, and without a secret nothing can seal them.")


def _check_named(settings: Settings, reach: Reach) -> None:
    for node in settings.nodes:
        try:
            reach.check(node.url.rstrip("/"))
        except OutOfReach as error:
            raise UnusableSetting("nodes", f"node {node.id}: {error}") from error


def _insecurities(settings: Settings, keyring: Keyring) -> list[str]:
    told = {
        "Reports are taken from anybody: the cluster has no secret": not keyring.keys,
        "Whoever reaches the internal port may speak as Orthanc's sample plugin": settings.sample_routes,
        "The certificates of the Orthancs are not verified": not settings.node_tls_verify,
    }
    return [words for words, so in told.items() if so]
