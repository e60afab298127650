"""Where Redis is said to be: logins are told apart and left out of every print."""

import urllib.parse
from typing import Any

import pytest

from jobindex import settings
from jobindex.settings import Settings
from jobindex.store import address
from jobindex.store.address import plain_hosts, read_sentinels, without_login

FULL = "rediss+sentinel://me:a%40b@one:1,[::1]:2,three/index/3?sentinel_user=you&sentinel_password=canary"


def test_every_part_is_read() -> None:
    found = read_sentinels(FULL)
    assert found is not None
    assert found.hosts == (("one", 1), ("::1", 2), ("three", 26379))
    assert (found.master, found.db, found.tls) == ("index", 3, True)
    assert (found.user, found.password) == ("me", "a@b")
    assert (found.sentinel_user, found.sentinel_password) == ("you", "canary")
    assert "canary" not in repr(found)


def test_one_server_is_no_sentinel() -> None:
    assert read_sentinels("redis://one:6379/0") is None


@pytest.mark.parametrize("url", ["redis+sentinel://one", "redis+sentinel://one/a/b/c"])
def test_a_master_without_a_name_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the master's name"):
        read_sentinels(url)


def test_a_login_can_be_left_out() -> None:
    assert without_login("rediss://me:secret@one:1/2?password=secret") == "rediss://one:1/2"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://me:pw@10.0.0.1:6379/0", ("10.0.0.1",)),
        ("redis://redis/0", ("redis",)),
        ("redis+sentinel://127.0.0.1:1,a:2,[fd00::1]:3/index", ("a", "fd00::1")),
        ("redis://localhost:6379", ()),
        ("redis://127.9.9.9", ()),
        ("redis://[::1]", ()),
        ("rediss://10.0.0.1:6379/0", ()),
        ("rediss+sentinel://a,b/index", ()),
        ("unix:///run/redis.sock", ()),
    ],
)
def test_plain_hosts_are_those_that_are_not_here_and_have_no_tls(url: str, hosts: tuple[str, ...]) -> None:
    assert plain_hosts(url) == hosts


@pytest.fixture
def strict_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses as Python reads them from 3.13 on: nothing may stand before a bracket but the login."""

    def strict(url: str, *more: Any) -> urllib.parse.SplitResult:
        parts = urllib.parse.urlsplit(url, *more)
        before, bracket, rest = parts.netloc.rpartition("@")[2].partition("[")
        after = rest.partition("]")[2]
        if bracket and (before or (after and not after.startswith(":"))):
            raise ValueError("Invalid IPv6 URL")
        return parts

    for module in (address, settings):
        monkeypatch.setattr(module, "urlsplit", strict, raising=False)


@pytest.mark.parametrize(
    ("listed", "hosts"),
    [
        ("one:1,[::1]:2,three", (("one", 1), ("::1", 2), ("three", 26379))),
        ("[fd00::1],[fd00::2]", (("fd00::1", 26379), ("fd00::2", 26379))),
        ("[fd00::1]:1,[fd00::2]:2", (("fd00::1", 1), ("fd00::2", 2))),
        ("192.0.2.1,[fd00::2]", (("192.0.2.1", 26379), ("fd00::2", 26379))),
        ("me:p[w@one:1", (("one", 1),)),
    ],
)
@pytest.mark.usefixtures("strict_urls")
def test_releases_a_list_of_hosts_is_read_wherever_ipv6_stands(listed: str, hosts: tuple[tuple[str, int], ...]) -> None:
    url = f"redis+sentinel://{listed}/index"
    found = read_sentinels(Settings(redis_url=url).redis_url)
    assert found is not None
    assert found.hosts == hosts
    assert plain_hosts(url) == tuple(host for host, _ in hosts if host != "::1")


@pytest.mark.parametrize("host", ["", "fd00::1", "[zz]", "[fd00::1", "one:port", "[::1]x", "one:1:2"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"as no host can be|does not appear to be"):
        read_sentinels(f"redis+sentinel://one:1,{host}/index")


@pytest.mark.parametrize("url", ["unix:///run/redis.sock", "redis://[::1]:1/0"])
def test_an_address_without_a_login_stays_as_it_is(url: str) -> None:
    assert without_login(url) == url
