"""Who may report: signed with any of the secrets, once, and nothing is remembered of strangers."""

import time

import pytest
from redis.asyncio import Redis

from jobindex.auth.keyring import Keyring
from jobindex.auth.signature import NONCE, SIGNATURE, TIME, WINDOW, signature
from jobindex.errors import IndexAway, NotSigned, Replayed
from jobindex.service.admission import Admission
from jobindex.service.view import View
from jobindex.store import Store

PATH, BODY = "/nodes/a/report", b"{}"
OLD, NEW, STRANGE = "the old secret of us", "the new secret of us", "a secret of somebody"


def signed(secret: str = OLD, nonce: str = "0f" * 16, off: int = 0) -> dict[str, str]:
    now = str(round(time.time() * 1000) + off)
    return {TIME: now, NONCE: nonce, SIGNATURE: signature(secret.encode(), "POST", PATH, now, nonce, BODY)}


@pytest.fixture
def view() -> View:
    view = View()
    view.connected = True
    return view


@pytest.fixture
def admission(store: Store, view: View) -> Admission:
    return Admission(Keyring(f"{NEW}\n{OLD}"), store.nonces, view)


async def test_a_signature_counts_once_on_all_replicas(store: Store, view: View, admission: Admission) -> None:
    other = Admission(Keyring(OLD), store.nonces, view)
    headers = signed()
    await admission.admit(PATH, headers, BODY)
    for each in (admission, other):
        with pytest.raises(Replayed, match="replay"):
            await each.admit(PATH, headers, BODY)


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_each_of_the_secrets_is_good(admission: Admission, secret: str) -> None:
    await admission.admit(PATH, signed(secret), BODY)


async def test_of_a_stranger_nothing_is_remembered(redis: Redis, admission: Admission) -> None:
    for headers in (signed(STRANGE), signed(off=2 * WINDOW), {}):
        with pytest.raises(NotSigned):
            await admission.admit(PATH, headers, BODY)
    assert await redis.keys() == []


@pytest.mark.parametrize("off", [0, WINDOW - 5000, 5000 - WINDOW])
async def test_a_nonce_outlives_its_signature(redis: Redis, admission: Admission, off: int) -> None:
    """Also on a replica whose clock is behind by as much as a node's may be."""
    await admission.admit(PATH, signed(off=off), BODY)
    (key,) = await redis.keys()
    assert 0 <= off + 2 * WINDOW - await redis.pttl(key) < 5000


async def test_while_redis_is_away_nothing_is_taken(view: View, admission: Admission) -> None:
    view.connected = False
    with pytest.raises(NotSigned):
        await admission.admit(PATH, signed(STRANGE), BODY)
    headers = signed()
    with pytest.raises(IndexAway):
        await admission.admit(PATH, headers, BODY)
    view.connected = True
    await admission.admit(PATH, headers, BODY)


async def test_without_a_secret_everybody_is_let_in(redis: Redis, store: Store, view: View) -> None:
    await Admission(Keyring(), store.nonces, view).admit(PATH, {}, BODY)
    assert await redis.keys() == []
