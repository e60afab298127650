"""Settings: from the environment alone, checked at once, and secrets masked in every print."""

import pytest
from pydantic import ValidationError

from jobindex.settings import LOOPBACK, Settings

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
        ("NODE_NETWORKS", '["10.0.0.0/8", "nowhere"]'),
        ("NODE_NETWORKS", '["10.0.0.1/8"]'),
        ("NODE_TLS_VERIFY", "perhaps"),
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
    assert settings.secret.get_secret_value() == SECRET


def test_orthancs_are_looked_for_in_private_networks_and_not_on_this_machine() -> None:
    default = [str(network) for network in Settings().node_networks]
    assert default == ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
    assert not any(network in Settings().node_networks for network in LOOPBACK)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().redis_url = "redis://other"


TRUST = {"callers": "trust", "secret": SECRET, "proxies": ["10.0.0.7/32"]}


def test_a_proxy_is_trusted_only_where_it_is_named() -> None:
    assert Settings.model_validate(TRUST).callers == "trust"
    with pytest.raises(ValidationError, match="to trust a proxy"):
        Settings.model_validate({name: value for name, value in TRUST.items() if name != "proxies"})
    with pytest.raises(ValidationError, match="JOBINDEX_PROXIES"):
        Settings.model_validate({**TRUST, "proxies": []})


@pytest.mark.parametrize("name", ["", "X User", "X_User", "X:User", "X" * 65])
def test_the_header_that_names_users_has_the_form_of_one(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({**TRUST, "user_header": name})


def test_a_trail_that_is_required_is_written_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBINDEX_AUDIT_REQUIRED", "true")
    assert Settings().audit_required
    monkeypatch.setenv("JOBINDEX_AUDIT_FILE", "none")
    with pytest.raises(ValidationError, match="audit trail"):
        Settings()
