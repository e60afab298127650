"""Where Redis is said to be: one server, or a master that Sentinels know."""

from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

SENTINEL = ("redis+sentinel", "rediss+sentinel")
PLAIN = ("redis", "redis+sentinel")


@dataclass(frozen=True, slots=True)
class Sentinels:
    """`redis+sentinel://[user:password@]host:port,host:port/master[/db][?sentinel_user=…&sentinel_password=…]`.

    User and password are Redis's; the Sentinels have their own.  `rediss+sentinel` speaks TLS with both.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int = 0
    user: str | None = None
    password: str | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None
    tls: bool = False

    def __repr__(self) -> str:
        return f"Sentinels({self.hosts}, {self.master})"


def read_sentinels(url: str) -> Sentinels | None:
    """None where the address is one server's; ValueError where it is neither."""
    parts = urlsplit(url)
    if parts.scheme not in SENTINEL:
        return None
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    path = [unquote(part) for part in parts.path.split("/") if part]
    if not path or len(path) > 2:
        raise ValueError("redis+sentinel://host:port,host:port/master[/db]: the master's name is missing")
    given = parse_qs(parts.query)
    found = Sentinels(
        hosts=tuple(_host(each) for each in hosts.split(",")),
        master=path[0],
        user=unquote(user) or None,
        password=unquote(password) or None,
        sentinel_user=next(iter(given.get("sentinel_user", [])), None),
        sentinel_password=next(iter(given.get("sentinel_password", [])), None),
        tls=parts.scheme == "rediss+sentinel",
    )
    return replace(found, db=int(path[1])) if len(path) == 2 else found


def without_login(url: str) -> str:
    """The same place, asked by nobody in particular."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def plain_hosts(url: str) -> tuple[str, ...]:
    """The hosts that are spoken to without TLS over a network; this machine needs none."""
    parts = urlsplit(url)
    if parts.scheme not in PLAIN:
        return ()
    hosts = [_host(each)[0] for each in parts.netloc.rpartition("@")[2].split(",")]
    return tuple(host for host in hosts if host and not _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(text: str) -> tuple[str, int]:
    host, _, port = ("", "", "") if text.endswith("]") else text.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (text.strip("[]"), 26379)
