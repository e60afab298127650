"""TLS to a real Redis: who proves who he is is spoken to, all others are refused in words, and nobody plainly."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.errors import IndexAway
from jobindex.store import opened
from jobindex.store.tls import Tls

from ...certificates import Authority, Certificate

Serving = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake takes longer on a machine that is busy."""
    monkeypatch.setattr("jobindex.store.connect.COMMAND_TIMEOUT", 6.0)


@pytest.fixture
def identified() -> bool:
    """Whether the authority is of the newer kind."""
    return True


@pytest.fixture
def authority(tmp_path: Path, identified: bool) -> Authority:
    return Authority(tmp_path, identified=identified)


@pytest.fixture
def serving(tmp_path: Path, authority: Authority) -> Serving:
    """A Redis that shows a certificate, and wants to see one if `mutual`."""

    @asynccontextmanager
    async def served(certificate: Certificate, mutual: bool = False) -> AsyncIterator[str]:
        port = free_port()
        wants = ["--tls-auth-clients", "yes" if mutual else "no", "--tls-ca-cert-file", str(authority.file)]
        shows = ["--tls-cert-file", str(certificate.certificate), "--tls-key-file", str(certificate.key)]
        server = build_redis(tmp_path, port, ["--port", "0", "--tls-port", str(port), *shows, *wants])
        await server.process.start()
        try:
            yield f"rediss://127.0.0.1:{port}/0"
        finally:
            await server.process.stop()

    return served


async def test_a_certificate_of_our_authority_is_believed(serving: Serving, authority: Authority) -> None:
    async with serving(authority.gives("redis", "127.0.0.1")) as url, opened(url, Tls(authority.file)) as store:
        await store.changes.begin()
        assert (await store.server.described()).plain == ()


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.usefixtures("strict_python")
async def test_releases_an_ordinary_private_authority_is_believed(serving: Serving, authority: Authority) -> None:
    async with serving(authority.gives("redis", "127.0.0.1")) as url, opened(url, Tls(authority.file)) as store:
        await store.changes.begin()


@pytest.mark.parametrize(
    ("expired", "name", "words"),
    [(True, "127.0.0.1", "expired"), (False, "redis.example", "not valid for '127.0.0.1'")],
)
async def test_a_wrong_certificate_is_refused_in_words(
    serving: Serving, authority: Authority, expired: bool, name: str, words: str
) -> None:
    async with (
        serving(authority.gives("redis", name, expired=expired)) as url,
        opened(url, Tls(authority.file)) as store,
    ):
        with pytest.raises(IndexAway, match=f"certificate is not accepted: .*{words}"):
            await store.changes.head()


@pytest.mark.parametrize("ours", ["another", None])
async def test_another_authority_is_refused(
    serving: Serving, authority: Authority, tmp_path: Path, ours: str | None
) -> None:
    tls = Tls(Authority(tmp_path, ours).file) if ours else Tls()
    async with serving(authority.gives("redis", "127.0.0.1")) as url, opened(url, tls) as store:
        with pytest.raises(IndexAway, match="certificate is not accepted: "):
            await store.changes.head()


async def test_who_has_to_show_a_certificate_shows_it(serving: Serving, authority: Authority) -> None:
    mine = authority.gives("replica", "replica")
    async with serving(authority.gives("redis", "127.0.0.1"), mutual=True) as url:
        async with opened(url, Tls(authority.file, mine.certificate, mine.key)) as store:
            await store.changes.begin()
        async with opened(url, Tls(authority.file)) as store:
            with pytest.raises(IndexAway):
                await store.changes.head()


async def test_a_plain_server_is_not_spoken_to_where_tls_was_asked_for(redis_url: str) -> None:
    async with opened(redis_url.replace("redis://", "rediss://")) as store:
        with pytest.raises(IndexAway):
            await store.changes.head()


async def test_files_that_are_not_there_are_named_as_the_cause(serving: Serving, authority: Authority) -> None:
    async with (
        serving(authority.gives("redis", "127.0.0.1")) as url,
        opened(url, Tls(Path("/nowhere/ca.pem"))) as store,
    ):
        with pytest.raises(IndexAway, match="a file for TLS can't be read"):
            await store.changes.head()
