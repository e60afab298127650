"""A sealed token can be opened only with the cluster's secret, for the node and incarnation it was sealed for."""

import pytest

from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault

TOKEN = "the token of a node"
VAULT = Vault(Keyring("0123456789abcdef"))


def test_what_was_sealed_can_be_opened_again() -> None:
    assert VAULT.open("a", "1", VAULT.seal("a", "1", TOKEN)) == TOKEN


def test_another_replica_with_the_same_secret_can_open_it() -> None:
    assert Vault(Keyring("0123456789abcdef")).open("a", "1", VAULT.seal("a", "1", TOKEN)) == TOKEN


def test_another_secret_can_not_open_it() -> None:
    assert Vault(Keyring("fedcba9876543210")).open("a", "1", VAULT.seal("a", "1", TOKEN)) is None


@pytest.mark.parametrize(("node_id", "incarnation"), [("b", "1"), ("a", "2"), ("a 1", ""), ("", "a 1")])
def test_it_can_not_be_opened_for_another_node_or_incarnation(node_id: str, incarnation: str) -> None:
    assert VAULT.open(node_id, incarnation, VAULT.seal("a", "1", TOKEN)) is None


def test_the_sealed_form_shows_nothing_and_is_new_each_time() -> None:
    first, second = VAULT.seal("a", "1", TOKEN), VAULT.seal("a", "1", TOKEN)
    assert first != second
    assert TOKEN.encode() not in first


@pytest.mark.parametrize("rubbish", [b"", b"short", b"x" * 12, b"x" * 100])
def test_what_was_never_sealed_can_not_be_opened(rubbish: bytes) -> None:
    assert VAULT.open("a", "1", rubbish) is None


def test_a_changed_byte_is_noticed() -> None:
    sealed = bytearray(VAULT.seal("a", "1", TOKEN))
    sealed[-1] ^= 1
    assert VAULT.open("a", "1", bytes(sealed)) is None
