"""Where Redis is said to be: logins are told apart and left out of every print."""

import pytest

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
