"""Where Redis is said to be: one server, or a master that Sentinels know.

A list of hosts is no URL: the standard library's `urlsplit` refuses brackets behind the first host, each release more.
"""

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote

from redis.connection import parse_url

SENTINEL = ("redis+sentinel", "rediss+sentinel")
PLAIN = ("redis", "redis+sentinel")
SENTINEL_PORT = 26379
NO_HOST = "a Sentinel is named as no host can be; wanted is name:port, 192.0.2.1:port or [2001:db8::1]:port"

_PARTS = re.compile(
    r"(?P<scheme>[a-z+]*)://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#]*)(?P<path>[^?#]*)\??(?P<query>[^#]*)"
)
_HOST = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")


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
    parts = _PARTS.match(url)
    if parts is None or parts["scheme"] not in SENTINEL:
        return None
    user, _, password = (parts["login"] or "").partition(":")
    path = [unquote(part) for part in parts["path"].split("/") if part]
    if not path or len(path) > 2:
        raise ValueError("redis+sentinel://host:port,host:port/master[/db]: the master's name is missing")
    given = parse_qs(parts["query"])
    found = Sentinels(
        hosts=tuple(_host(each) for each in parts["hosts"].split(",")),
        master=path[0],
        user=unquote(user) or None,
        password=unquote(password) or None,
        sentinel_user=next(iter(given.get("sentinel_user", [])), None),
        sentinel_password=next(iter(given.get("sentinel_password", [])), None),
        tls=parts["scheme"] == "rediss+sentinel",
    )
    return replace(found, db=_database(path[1])) if len(path) == 2 else found


def check_address(url: str) -> None:
    """ValueError where Redis can't be at an address like that; the words don't repeat it."""
    if not url or read_sentinels(url):
        return
    try:
        parse_url(url)  # type: ignore[no-untyped-call]  # redis-py has no types for it
    except ValueError:
        raise ValueError("the port, or the number of the database, can't be read") from None


def without_login(url: str) -> str:
    """The same place, asked by nobody in particular."""
    parts = _PARTS.match(url)
    return f"{parts['scheme']}://{parts['hosts']}{parts['path']}" if parts else url


def plain_hosts(url: str) -> tuple[str, ...]:
    """The hosts that are spoken to without TLS over a network; this machine needs none."""
    parts = _PARTS.match(url)
    if parts is None or parts["scheme"] not in PLAIN or not parts["hosts"]:
        return ()
    hosts = [_host(each)[0] for each in parts["hosts"].split(",")]
    return tuple(host for host in hosts if not _is_here(host))


def _database(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("behind the master's name stands the number of the database, or nothing")
    return int(text)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(text: str) -> tuple[str, int]:
    """ValueError, with the form that is wanted, where it is neither a name nor an address."""
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError(NO_HOST)  # not what was given: where a password has a `/` in it, it would be shown
    if found["v6"]:
        ip_address(found["v6"])
    return found["v6"] or found["name"], int(found["port"] or SENTINEL_PORT)
