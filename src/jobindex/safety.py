"""What the settings say of safety, read before anything starts: secrets, addresses, certificates, what is left open.

Law: nothing is left open unless a setting says so, and whatever is left open is told.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Safety:
    """`insecurities` are plain words for what is left open."""

    keyring: Keyring
    reach: Reach
    tls: ssl.SSLContext
    insecurities: Sequence[str]


def read_safety(settings: Settings) -> Safety:
    """ValueError or OSError, with words for the operator, where these settings can't be used."""
    keyring = Keyring(settings.secret.get_secret_value(), settings.secret_file)
    reach = read_reach(settings)
    _check_secret(settings, keyring)
    _check_named(settings, reach)
    return Safety(keyring, reach, read_node_tls(settings), _insecurities(settings, keyring))


def read_reach(settings: Settings) -> Reach:
    return Reach(settings.node_networks, settings.node_names)


def read_node_tls(settings: Settings) -> ssl.SSLContext:
    """ValueError or OSError where a file can't be used."""
    return tls_context(
        settings.node_ca_file,
        settings.node_certificate_file,
        settings.node_key_file,
        verify=settings.node_tls_verify,
    )


def read_redis_tls(settings: Settings) -> Tls:
    return Tls(settings.redis_ca_file, settings.redis_certificate_file, settings.redis_key_file)


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
            raise ValueError(f"Node {node.id} of JOBINDEX_NODES: {error}") from error


def _insecurities(settings: Settings, keyring: Keyring) -> list[str]:
    told = {
        "Reports are taken from anybody: the cluster has no secret": not keyring.keys,
        "Whoever reaches the internal port may speak as Orthanc's sample plugin": settings.sample_routes,
        "The certificates of the Orthancs are not verified": not settings.node_tls_verify,
    }
    return [words for words, so in told.items() if so]
