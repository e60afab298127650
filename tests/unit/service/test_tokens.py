"""A node's token is kept sealed for as long as the node is heard, and asked for again where it is lost."""

import pytest
from redis.asyncio import Redis

from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault
from jobindex.errors import IndexAway, OwnerUnreachable
from jobindex.model.node import Node
from jobindex.service.tokens import REMEMBERED, Tokens
from jobindex.store import Store, keys

from ..waiting import HandClock
from ..words import INCARNATION, NEXT_INCARNATION, complete, report

TOKEN = "Bearer 0a1b2c3d"
VAULT = Vault(Keyring("0123456789abcdef"))
NODE = Node(name="orthanc", url="http://127.0.0.1:1", incarnation=INCARNATION, shares=True)
GIVING = {"Name": "orthanc", "Url": NODE.url, "Token": TOKEN}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def tokens(store: Store, clock: HandClock) -> Tokens:
    await store.nodes.register("a", NODE, 60_000)
    return Tokens(store.nodes, VAULT, {"named": "Basic fixed"}, 600.0, clock)


async def ttl(redis: Redis) -> float:
    return float(await redis.pttl(keys.key(keys.TOKEN, "a"))) / 1000


async def test_a_token_is_kept_sealed_with_a_ttl(tokens: Tokens, store: Store, redis: Redis) -> None:
    assert not await tokens.hear("a", report(Register=GIVING), shares=False)
    sealed = await store.nodes.token("a")
    assert sealed is not None
    assert TOKEN.encode() not in sealed
    assert await tokens.of("a", INCARNATION) == TOKEN
    assert 590 < await ttl(redis) <= 600


async def test_it_opens_for_its_incarnation_only(tokens: Tokens, store: Store) -> None:
    await tokens.keep("a", INCARNATION, TOKEN)
    assert await tokens.of("a", NEXT_INCARNATION) == ""
    assert await Tokens(store.nodes, Vault(Keyring("another secret..")), {}, 600.0).of("a", INCARNATION) == ""


async def test_each_heartbeat_renews_it(tokens: Tokens, redis: Redis) -> None:
    await tokens.keep("a", INCARNATION, TOKEN)
    await redis.pexpire(keys.key(keys.TOKEN, "a"), 5000)
    assert not await tokens.hear("a", report(), shares=True)
    assert await ttl(redis) <= 5
    assert not await tokens.hear("a", complete(), shares=True)
    assert await ttl(redis) > 590


@pytest.mark.parametrize(("shares", "again"), [(True, True), (False, False)])
async def test_who_shares_a_token_that_is_lost_is_asked_for_it_again(tokens: Tokens, shares: bool, again: bool) -> None:
    assert await tokens.hear("a", complete(), shares=shares) is again
    assert not await tokens.hear("a", report(), shares=shares)


async def test_a_token_that_was_opened_is_remembered_for_a_few_seconds(
    tokens: Tokens, store: Store, clock: HandClock
) -> None:
    await tokens.keep("a", INCARNATION, "Bearer old")
    assert await tokens.needed("a", NODE) == "Bearer old"
    await tokens.keep("a", INCARNATION, TOKEN)
    clock.pass_by(REMEMBERED - 0.001)
    assert await tokens.needed("a", NODE) == "Bearer old"
    clock.pass_by(0.001)
    assert await tokens.needed("a", NODE) == TOKEN


async def test_what_is_remembered_counts_for_one_incarnation_and_until_it_is_refused(tokens: Tokens) -> None:
    await tokens.keep("a", INCARNATION, "Bearer old")
    await tokens.needed("a", NODE)
    await tokens.keep("a", NEXT_INCARNATION, TOKEN)
    assert await tokens.needed("a", NODE.model_copy(update={"incarnation": NEXT_INCARNATION})) == TOKEN
    await tokens.keep("a", NEXT_INCARNATION, "Bearer newer")
    tokens.forget("a")
    assert await tokens.needed("a", NODE.model_copy(update={"incarnation": NEXT_INCARNATION})) == "Bearer newer"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shares": False}, '"ShareToken": true'),
        ({"shares": True}, "is not here yet"),
        ({"kind": "named"}, "JOBINDEX_NODES"),
    ],
)
async def test_what_a_node_without_a_token_lacks_is_said(tokens: Tokens, changed: dict[str, object], said: str) -> None:
    with pytest.raises(OwnerUnreachable, match=said):
        await tokens.needed("a", NODE.model_copy(update=changed))


async def test_a_node_of_the_settings_is_asked_with_what_stands_there(tokens: Tokens, redis: Redis) -> None:
    assert await tokens.needed("named", NODE) == "Basic fixed"
    assert await tokens.renew("named", INCARNATION)
    assert await redis.exists(keys.key(keys.TOKEN, "named")) == 0


async def test_while_redis_is_away_nothing_is_sent(
    tokens: Tokens, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(node_id: str) -> bytes | None:
        raise IndexAway("Redis is away")

    monkeypatch.setattr(store.nodes, "token", away)
    with pytest.raises(OwnerUnreachable, match="Redis is away"):
        await tokens.needed("a", NODE)
