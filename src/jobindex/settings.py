"""All settings: one frozen tree, read once from the environment by the wiring."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PRIVATE = tuple(ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
LOOPBACK = tuple(ip_network(each) for each in ("127.0.0.0/8", "::1/128"))


HEADER = r"^[A-Za-z0-9-]{1,64}$"
"""The names that headers have here: nginx drops those with other letters."""

Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "unix")


class NamedNode(BaseModel):
    """An Orthanc without a plugin of ours: it is visited, with this user."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,256}$")]
    """One of more than 64 characters is cut, with a digest at its end."""
    url: str
    user: str = ""
    password: SecretStr = SecretStr("")


class Settings(BaseSettings):
    """Read from the variables `JOBINDEX_<NAME>` (and `REDIS_URL`)."""

    model_config = SettingsConfigDict(
        env_prefix="JOBINDEX_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
        enable_decoding=False,  # `_list_is_json` does, with the field's name at hand where it fails
        hide_input_in_errors=True,
    )

    redis_url: Annotated[str, Field(validation_alias="REDIS_URL", repr=False)] = ""
    """Where Redis is: redis[s]://[user:password@]host:port/0, or redis[s]+sentinel://host:port,host:port/master.
    Empty: one of our own is started."""
    redis_ca_file: Path | None = None
    """For rediss:// and rediss+sentinel://: the authorities that are trusted, instead of the machine's own."""
    redis_certificate_file: Path | None = None
    """The certificate that Redis is shown, where it wants one (`tls-auth-clients yes`, its default)."""
    redis_key_file: Path | None = None
    """The key of that certificate, where it is in a file of its own."""
    data: Path = Path("~/.local/state/jobindex")
    """Where the Redis of our own keeps its append-only file."""

    public_host: str = "0.0.0.0"  # noqa: S104 - clients come through a proxy on another host
    """Where it listens for clients; 0.0.0.0 is every address of this machine."""
    public_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """For clients, through nginx."""
    internal_host: str = "0.0.0.0"  # noqa: S104 - Orthancs and probes are on other hosts
    """Where it listens for Orthancs, probes and Prometheus."""
    internal_port: Annotated[int, Field(ge=0, le=65535)] = 8001
    """For Orthancs, probes and Prometheus; never to be reached by clients."""

    secret: SecretStr = SecretStr("")
    """The cluster's secret itself, where there is no file: every child of the process can read it then."""
    secret_file: Path | None = None
    """The cluster's secret, with which reports are signed: 16 characters at least, better in a file.

    While it changes, a file may have two lines: both are valid, and it is read again when it was written."""
    insecure: bool = False
    """Whether to start without a secret, and take reports from anybody."""

    nodes: tuple[NamedNode, ...] = ()
    """Orthancs without a plugin: [{"id": "...", "url": "http://...", "user": "...", "password": "..."}]."""
    node_networks: tuple[IPv4Network | IPv6Network, ...] = PRIVATE
    """Networks in which Orthancs may be; those on this machine itself need ["127.0.0.0/8"]."""
    node_names: tuple[str, ...] = ()
    """Names that their hosts may have: orthanc-a, or .hospital.local for all below; none: any name."""
    node_ca_file: Path | None = None
    """Certificates of the authorities that vouch for the Orthancs; none: the system's."""
    node_certificate_file: Path | None = None
    """The certificate that is shown to Orthancs which ask for one."""
    node_key_file: Path | None = None
    """The key of that certificate, where it is in a file of its own."""
    node_tls_verify: bool = True
    """Whether the certificates of Orthancs are verified."""
    sample_routes: bool = False
    """Whether the routes of Orthanc's own sample plugin are served on the internal listener.  They are not signed."""
    sample_port: Annotated[int, Field(ge=1, le=65535)] = 8042
    """The HTTP port of the Orthancs that use it."""

    callers: Literal["orthanc", "trust"] = "orthanc"
    """Who decides what callers may: Orthanc, as they are (orthanc), or a proxy in front that lets in only those who may
    do everything here (trust)."""
    user_header: Annotated[str, Field(pattern=HEADER)] = "X-Forwarded-User"
    """The header in which that proxy names the user, for the audit trail."""
    roles_header: Annotated[str, Field(pattern=HEADER)] = "X-Forwarded-Groups"
    """The header in which it names the user's roles."""
    read_only: bool = False
    """Whether clients may read only: no action and no deletion is passed on."""
    token_headers: tuple[str, ...] = ()
    """Names of the headers in which callers of the authorization plugin bring their tokens."""
    token_arguments: tuple[str, ...] = ()
    """Names of the query arguments in which they do."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """The proxies in front, whose word on a caller's address is believed: ["10.0.0.7/32"], exactly your nginx."""
    address_header: Annotated[str, Field(pattern=HEADER)] = "X-Forwarded-For"
    """The one header in which they name that address (X-Forwarded-For, Forwarded, X-Real-IP or another)."""
    origins: tuple[Annotated[str, Field(pattern=r"^https?://[^/\s]+$")], ...] = ()
    """Other sites whose pages may change something here: ["https://portal.example.org"]."""
    failed_logins: Annotated[int, Field(ge=0)] = 5
    """Failed logins a minute from one address, after which further guesses have to wait; 0 for no limit."""
    always_refresh: bool = False
    """Ask the nodes before every list, as `Cache-Control: no-cache` on the request does; without this only around a
    submission that nginx tells of."""

    beat: Seconds = 14.0
    """Seconds without a report after which a node is probed, and late if it does not answer."""
    gone: Seconds = 600.0
    """Seconds of silence after which a node is given up (not while most nodes are silent)."""
    back: Seconds = 60.0
    """Seconds that a node which said goodbye may take to come back before its unfinished jobs are lost."""
    keep_days: Days = 7.0
    """Days for which a job that succeeded is kept after Orthanc has forgotten it."""
    keep_failures_days: Days = 30.0
    """The same for a job that failed."""
    keep_jobs: Annotated[int, Field(ge=0)] = 100_000
    """How many finished jobs are kept that Orthanc has forgotten; the oldest go first."""

    max_job_bytes: Annotated[int, Field(ge=10_000, le=4_000_000)] = 1_000_000
    """Up to how many bytes a job is kept whole; of a larger one the longest arrays of its Content are left out."""

    content: Literal["full", "minimal"] = "full"
    """What is kept of a job: all that Orthanc says but secrets, or nothing of what it is about (`Content` is {})."""

    audit_file: str = ""
    """Where the audit trail is appended to; empty: standard output; `none`: there is no trail."""
    audit_reads: bool = True
    """Whether lists and readings of jobs are recorded too."""
    audit_required: bool = False
    """Refuse whatever changes a job or the cluster (503) while the audit trail can't be written."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written to standard error: this, and what is graver."""
    log_form: Literal["json", "text"] = "json"
    """Whether a line of the log is a JSON object, or text."""

    @model_validator(mode="after")
    def _listeners_differ(self) -> "Settings":
        if self.public_port == self.internal_port != 0 and self.public_host == self.internal_host:
            raise ValueError(f"JOBINDEX_PUBLIC_PORT and JOBINDEX_INTERNAL_PORT are both {self.public_port}")
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _list_is_json(cls, given: Any, field: ValidationInfo) -> Any:
        """The environment has text; a list in it is a list of JSON."""
        if not isinstance(given, str) or get_origin(cls.model_fields[str(field.field_name)].annotation) is not tuple:
            return given
        try:
            return orjson.loads(given)
        except orjson.JSONDecodeError as error:
            raise ValueError("this is no JSON") from error

    @model_validator(mode="after")
    def _trust_has_grounds(self) -> "Settings":
        if self.callers == "trust" and not self.proxies:
            raise ValueError("to trust a proxy, name its network and no other: JOBINDEX_PROXIES")
        return self

    @model_validator(mode="after")
    def _required_trail_is_there(self) -> "Settings":
        if self.audit_required and self.audit_file == "none":
            raise ValueError("an audit trail that is required has to be written somewhere")
        return self

    @field_validator("redis_url")
    @classmethod
    def _redis_is_an_address(cls, url: str) -> str:
        # a list of Sentinels is no URL: `urlsplit` refuses IPv6 behind the first
        if url and url.partition("://")[0] not in SCHEMES:
            raise ValueError("an address of Redis begins with one of " + ", ".join(f"{each}://" for each in SCHEMES))
        if any(name.startswith("ssl_") for name, _ in parse_qsl(url.partition("?")[2])):
            raise ValueError("TLS is set by JOBINDEX_REDIS_CA_FILE and its like, and is never left unchecked")
        return url
