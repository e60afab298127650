"""What the settings leave open has to be asked for, and is told."""

from pathlib import Path
from typing import Any

import pytest

from jobindex.safety import UnusableSetting, read_safety
from jobindex.settings import Settings

SECRET = "the secret of this cluster"


def settings(**more: Any) -> Settings:
    return Settings.model_validate({"secret": SECRET, **more})


def test_by_default_nothing_is_left_open() -> None:
    safety = read_safety(settings())
    assert (safety.keyring.keys, safety.insecurities) == ((SECRET.encode(),), [])


def test_without_a_secret_it_has_to_be_asked_for() -> None:
    with pytest.raises(ValueError, match="JOBINDEX_SECRET_FILE"):
        read_safety(settings(secret=""))
    safety = read_safety(settings(secret="", insecure=True))
    assert safety.keyring.keys == ()
    assert [words for words in safety.insecurities if "secret" in words]


def test_a_secret_makes_it_secure_though_it_was_asked_for_otherwise() -> None:
    safety = read_safety(settings(insecure=True))
    assert (safety.keyring.keys, safety.insecurities) == ((SECRET.encode(),), [])


@pytest.mark.parametrize("needs", [{"sample_routes": True}, {"callers": "trust", "proxies": ["10.0.0.7/32"]}])
def test_without_a_secret_no_token_is_kept(needs: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="seal"):
        read_safety(settings(secret="", insecure=True, **needs))


@pytest.mark.parametrize(
    ("left_open", "word"), [({"sample_routes": True}, "sample"), ({"node_tls_verify": False}, "verified")]
)
def test_what_is_left_open_is_told(left_open: dict[str, bool], word: str) -> None:
    (told,) = read_safety(settings(**left_open)).insecurities
    assert word in told


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8042", "http://user:pw@10.0.0.1:8042", "http://10.0.0.1/orthanc", "10.0.0.1"]
)
def test_named_nodes_obey_the_same_policy(url: str) -> None:
    with pytest.raises(UnusableSetting, match="node n: ") as fault:
        read_safety(settings(nodes=[{"id": "n", "url": url}]))
    assert fault.value.field == "nodes"
    read_safety(settings(nodes=[{"id": "n", "url": "http://10.0.0.1:8042/"}]))


@pytest.mark.parametrize("name", ["node_ca_file", "node_certificate_file", "secret_file"])
def test_a_file_that_is_not_there_is_named_by_the_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnusableSetting, match="No such file") as fault:
        read_safety(settings(**{name: tmp_path / "nowhere"}))
    assert fault.value.field == name
