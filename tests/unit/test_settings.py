"""Settings: from the environment alone, checked at once, and secrets masked in every print."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from jobindex.settings import Settings

SECRET = "canary-7f3a-canary"


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://redis:6379/0")
    monkeypatch.setenv("JOBINDEX_PUBLIC_PORT", "9000")
    monkeypatch.setenv("JOBINDEX_TOKEN_HEADERS", '["api-key"]')
    monkeypatch.setenv("JOBINDEX_NODES", '[{"id": "a", "url": "http://a:8042", "user": "u", "password": "p"}]')
    settings = Settings()
    assert (settings.redis_url, settings.public_port, settings.token_headers) == (
        "redis://redis:6379/0", 9000, ("api-key",),
    )  # fmt: skip
    assert (settings.nodes[0].id, settings.nodes[0].password.get_secret_value()) == ("a", "p")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_PORT", "65536"),
        ("INTERNAL_PORT", "-1"),
        ("SAMPLE_PORT", "0"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORM", "xml"),
        ("KEEP_JOBS", "-1"),
        ("NODES", '[{"id": "a b", "url": "http://a"}]'),
        ("SECRET", "fifteen letters"),
    ],
)
def test_what_can_not_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"JOBINDEX_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://redis", "begins with one of redis://"),
        ("redis:6379", "begins with one of redis://"),
        ("rediss://redis?ssl_cert_reqs=none", "never left unchecked"),
        ("rediss://redis?ssl_check_hostname=false", "never left unchecked"),
    ],
)
def test_an_address_of_redis_that_is_none_or_unsafe_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ValidationError, match=words):
        Settings()


def test_secrets_are_masked_in_print() -> None:
    settings = Settings.model_validate(
        {"secret": SECRET, "nodes": [{"id": "a", "url": "http://a", "user": "u", "password": SECRET}]}
    )
    assert SECRET not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()
    assert settings.cluster_secret == SECRET.encode()


def test_a_secret_that_is_too_short_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBINDEX_SECRET", "canary")
    with pytest.raises(ValidationError, match="fewer than 16") as refusal:
        Settings()
    told = refusal.value.errors(include_input=False)
    assert not any("canary" in str(each) for each in told)


def test_a_secret_in_a_file_goes_before_and_is_stripped(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"  {SECRET}\n")
    settings = Settings.model_validate({"secret": "another-secret-0", "secret_file": file})
    assert settings.cluster_secret == SECRET.encode()
    with pytest.raises(OSError, match="nowhere"):
        Settings.model_validate({"secret_file": tmp_path / "nowhere"})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().redis_url = "redis://other"
