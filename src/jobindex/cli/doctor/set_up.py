"""What is unsafe in the settings of a replica: decided from their values alone."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from jobindex.auth.keyring import Keyring
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding
from jobindex.settings import Settings

MAKE = "openssl rand -hex 32 > jobindex-secret && chmod 600 jobindex-secret, and name it in JOBINDEX_SECRET_FILE"
LONG = 32
"""Characters of a secret that nobody guesses, even if they are hexadecimal digits."""
NARROWEST = {4: 8, 6: 7}
"""Bits of a network that is still one organisation's: 10.0.0.0/8, fc00::/7."""

SWITCHES = {
    "insecure": (PROBLEM, "everybody may report anything", "take JOBINDEX_INSECURE away and give the cluster a secret"),
    "sample_routes": (
        WARNING,
        "unsigned reports of Orthanc's sample plugin are believed",
        "give the Orthancs the plugin of deploy/orthanc, then take JOBINDEX_SAMPLE_ROUTES away",
    ),
    "always_refresh": (
        WARNING,
        "every list asks every Orthanc, though those with the plugin report within some 50 ms",
        "take JOBINDEX_ALWAYS_REFRESH away unless clients submit past nginx and list at once",
    ),
}
"""By setting: what it means that it is on."""


def set_up_findings(settings: Settings, environ: Mapping[str, str], mode: int | None) -> list[Finding]:
    """`mode` are the permissions of the secret's file, None where there is none."""
    found = [
        Finding(level, "settings", says, mend)
        for level, says, mend in (
            *_secret(settings, environ),
            *_permissions(mode),
            *_networks(settings),
            *_switches(settings),
            *_redis(settings),
            *_named_nodes(settings),
        )
    ]
    return found or [Finding(OK, "settings", "the secret is long and in a file of its own, no unsafe switch is on")]


def mode_of(file: Path | None) -> int | None:
    """The permissions of a file; OSError where it is not there."""
    return file.stat().st_mode & 0o777 if file else None


Row = tuple[str, str, str]


def _secret(settings: Settings, environ: Mapping[str, str]) -> Iterator[Row]:
    try:
        keys = Keyring(settings.secret.get_secret_value(), settings.secret_file).keys
    except ValueError as error:
        yield PROBLEM, str(error), MAKE
        return
    if not keys:
        yield PROBLEM, "the cluster has no secret", MAKE
    elif min(map(len, keys)) < LONG:
        yield WARNING, f"the cluster's secret has fewer than {LONG} characters", MAKE
    if len(keys) > 1:
        yield WARNING, f"{len(keys)} secrets are valid at once", "end the change: leave the new one alone in the file"
    if environ.get("JOBINDEX_SECRET"):
        yield WARNING, "the secret is in the environment, where every child and `/proc` have it", MAKE


def _permissions(mode: int | None) -> Iterator[Row]:
    if mode is not None and mode & 0o077:
        yield (
            WARNING,
            f"the secret's file may be read or changed by other users (mode {mode:03o})",
            "chmod 600, or 400; give it to the user that the service runs as",
        )


def _networks(settings: Settings) -> Iterator[Row]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        for network in value if isinstance(value, tuple) else ():
            if isinstance(network, IPv4Network | IPv6Network) and network.prefixlen < NARROWEST[network.version]:
                yield (
                    PROBLEM,
                    f"JOBINDEX_{name.upper()} has {network}, which is half the world",
                    "name only the networks of your own that are meant",
                )


def _switches(settings: Settings) -> Iterator[Row]:
    yield from (row for name, row in SWITCHES.items() if getattr(settings, name))
    if not settings.node_tls_verify:
        yield (
            PROBLEM,
            "any certificate of an Orthanc is believed",
            "name theirs: JOBINDEX_NODE_CA_FILE",
        )
    if settings.audit_file == "none":
        yield WARNING, "nothing is written of who did what", "set JOBINDEX_AUDIT_FILE, or leave it to standard output"


def _redis(settings: Settings) -> Iterator[Row]:
    if not settings.redis_url:
        yield WARNING, "this replica runs a Redis of its own, and so must be the only one", "set REDIS_URL"


def _named_nodes(settings: Settings) -> Iterator[Row]:
    for node in settings.nodes:
        if node.password.get_secret_value():
            yield (
                WARNING,
                f"the password of node {node.id} is in the environment",
                "give that Orthanc the plugin, which needs none, or a user that may do no more than list jobs",
            )
