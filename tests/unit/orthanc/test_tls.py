"""TLS to an Orthanc: whoever can't prove that it is there is sent nothing, and the log says why."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobindex.errors import OwnerError, OwnerUnreachable
from jobindex.orthanc.client import Client, opened
from jobindex.orthanc.credentials import authorized
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.tls import tls_context
from jobindex.settings import LOOPBACK

from ..scripted_orthanc import LOGIN, ScriptedOrthanc, scripted
from .authority import Authority

YESTERDAY = timedelta(days=-1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def client(ca: Path | None = None, **more: Any) -> AsyncIterator[Client]:
    async with opened(Reach(LOOPBACK), tls_context(ca, **more)) as client:
        yield client


@asynccontextmanager
async def serving(authority: Authority, *hosts: str, **more: Any) -> AsyncIterator[ScriptedOrthanc]:
    async with scripted(tls=authority.server(*hosts, **more)) as orthanc:
        yield orthanc


async def asked(client: Client, url: str) -> int:
    return (await client.ask(url, "GET", "/jobs", authorized(LOGIN["Authorization"]), within=5)).status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_who_has_a_certificate_of_our_authority_is_asked(authority: Authority, host: str) -> None:
    async with serving(authority, host) as orthanc, client(authority.file) as asking:
        assert await asked(asking, f"https://{host}:{orthanc.port}") == 200


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.usefixtures("strict_python")
async def test_releases_an_ordinary_private_authority_is_believed(tmp_path: Path, identified: bool) -> None:
    authority = Authority(tmp_path, identified=identified)
    async with serving(authority, "127.0.0.1") as orthanc, client(authority.file) as asking:
        assert await asked(asking, orthanc.url) == 200


@pytest.mark.usefixtures("strict_python")
def test_releases_one_flag_is_left_out_and_no_other(authority: Authority) -> None:
    by_python = ssl.create_default_context().verify_flags
    ours = tls_context(authority.file)
    assert ours.verify_flags == by_python & ~ssl.VERIFY_X509_STRICT
    assert (ours.verify_mode, ours.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("hosts", "more", "why"),
    [
        (["127.0.0.1"], {"lasts": YESTERDAY}, "expired"),
        (["127.0.0.2", "localhost"], {}, "IP address mismatch"),
    ],
)
async def test_a_wrong_certificate_is_sent_nothing_and_the_log_says_why_once(
    authority: Authority, hosts: list[str], more: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(authority, *hosts, **more) as orthanc, client(authority.file) as asking:
        for _ in range(2):
            with pytest.raises(OwnerUnreachable):
                await asked(asking, orthanc.url)
        assert orthanc.asked == []
    (said,) = [record.getMessage() for record in caplog.records if record.name == "jobindex.orthanc.client"]
    assert orthanc.url in said
    assert why in said


async def test_a_name_that_the_certificate_lacks_is_refused(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(authority, "orthanc.hospital.local") as orthanc, client(authority.file) as asking:
        with pytest.raises(OwnerUnreachable):
            await asked(asking, f"https://localhost:{orthanc.port}")
        assert orthanc.asked == []
    assert "Hostname mismatch" in caplog.text


async def test_another_authority_vouches_for_nobody(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Authority(tmp_path, "another")
    async with serving(authority, "127.0.0.1") as orthanc:
        for ca in (other.file, None):
            async with client(ca) as asking:
                with pytest.raises(OwnerUnreachable):
                    await asked(asking, orthanc.url)
        assert orthanc.asked == []
    assert caplog.text.count("unable to get local issuer certificate") == 2


async def test_who_speaks_no_tls_is_sent_nothing(authority: Authority) -> None:
    async with scripted() as orthanc, client(authority.file) as asking:
        with pytest.raises(OwnerUnreachable):
            await asked(asking, orthanc.url.replace("http:", "https:"))
        assert orthanc.asked == []


async def test_not_to_verify_has_to_be_asked_for(authority: Authority) -> None:
    async with serving(authority, "elsewhere", lasts=YESTERDAY) as orthanc, client(verify=False) as asking:
        assert await asked(asking, orthanc.url) == 200


async def test_our_own_certificate_is_shown_to_who_asks_for_it(authority: Authority) -> None:
    mine = authority.certificate("replica")
    async with serving(authority, "127.0.0.1", ask=True) as orthanc:
        async with client(authority.file, certificate=mine) as asking:
            assert await asked(asking, orthanc.url) == 200
        orthanc.asked.clear()
        async with client(authority.file) as asking:
            with pytest.raises(OwnerError):
                await asked(asking, orthanc.url)
        assert orthanc.asked == []


async def test_trouble_that_is_over_is_said_again_when_it_comes_back(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with client(authority.file) as asking:
        async with serving(authority, "elsewhere") as orthanc:
            url, port = orthanc.url, orthanc.port
            await _refused(asking, url)
        async with scripted(port=port, tls=authority.server("127.0.0.1")):
            assert await asked(asking, url) == 200
        async with scripted(port=port, tls=authority.server("elsewhere")):
            await _refused(asking, url)
    assert caplog.text.count("its certificate is refused") == 2


async def _refused(asking: Client, url: str) -> None:
    with pytest.raises(OwnerUnreachable):
        await asked(asking, url)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path, authority: Authority) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no certificate")
    for ca, certificate in ((rubbish, None), (None, rubbish), (None, authority.file)):
        with pytest.raises(OSError):  # noqa: PT011 - OpenSSL's words differ
            tls_context(ca, certificate)
