"""Where Redis is said to be: one server, or a master that Sentinels know."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

SENTINEL = ("redis+sentinel", "rediss+sentinel")


@dataclass(frozen=True, slots=True)
class Sentinels:
    """`redis+sentinel://[user:password@]host:port,host:port/master[/db][?sentinel_password=…]`.

    User and password are Redis's; the Sentinels have their own.  `rediss+sentinel` speaks TLS with both.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int = 0
    user: str | None = None
    password: str | None = None
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
    found = Sentinels(
        hosts=tuple(_host(each) for each in hosts.split(",")),
        master=path[0],
        user=unquote(user) or None,
        password=unquote(password) or None,
        sentinel_password=next(iter(parse_qs(parts.query).get("sentinel_password", [])), None),
        tls=parts.scheme == "rediss+sentinel",
    )
    return replace(found, db=int(path[1])) if len(path) == 2 else found


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (text.strip("[]"), 26379)
