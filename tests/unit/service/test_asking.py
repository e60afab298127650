"""As whom a node is asked: as the caller, or with the node's own token, the refusal of which is no word on a caller."""

from collections.abc import AsyncIterator

import pytest

from jobindex.auth.caller import Caller
from jobindex.auth.keyring import Keyring
from jobindex.auth.vault import Vault
from jobindex.errors import OwnerUnreachable
from jobindex.model.node import Node
from jobindex.orthanc import client as orthanc_client
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.tls import tls_context
from jobindex.service.asking import AsAdministrator, AsCaller, Asking
from jobindex.service.tokens import Tokens
from jobindex.settings import LOOPBACK
from jobindex.store import Store

from ..scripted_orthanc import AUTHORIZATION, CHALLENGE, ScriptedOrthanc
from ..words import INCARNATION, NEXT_INCARNATION
from .services import CALLER

TOKENS = Caller((("api-key", "k"),), arguments=(("token", "a&b"), ("token", "c")))
INTRODUCED = Caller((("Authorization", "Basic of the caller"),), (("token", "of the caller"),), trusted_name="ann")


@pytest.fixture
async def client() -> AsyncIterator[orthanc_client.Client]:
    async with orthanc_client.opened(Reach(LOOPBACK), tls_context()) as client:
        yield client


@pytest.fixture
async def tokens(store: Store, orthanc: ScriptedOrthanc) -> Tokens:
    await store.nodes.register("a", node(orthanc), 60_000)
    return Tokens(store.nodes, Vault(Keyring("x" * 16)), {}, 600.0)


def node(orthanc: ScriptedOrthanc, incarnation: str = INCARNATION) -> Node:
    return Node(name="a", url=orthanc.url, incarnation=incarnation, shares=True)


async def asked(asking: Asking, caller: Caller, at: Node) -> list[int]:
    """The statuses of a question, an action and a download."""
    answers = [await asking.ask(caller, "a", at, method, "/jobs", within=1.0) for method in ("GET", "POST")]
    async with asking.stream(caller, "a", at, "/jobs", within=1.0) as response:
        return [*(answer.status for answer in answers), response.status]


async def test_all_that_the_caller_brought_goes_along(client: orthanc_client.Client, orthanc: ScriptedOrthanc) -> None:
    assert await asked(AsCaller(client), CALLER, node(orthanc)) == [200, 400, 200]
    assert {each.headers["Authorization"] for each in orthanc.asked} == {AUTHORIZATION}
    orthanc.asked.clear()
    assert await asked(AsCaller(client), TOKENS, node(orthanc)) == [401, 401, 401]
    assert orthanc.paths() == {"/jobs?token=a%26b&token=c"}
    assert {each.headers["api-key"] for each in orthanc.asked} == {"k"}


async def test_with_a_token_nothing_of_the_caller_goes_along(
    client: orthanc_client.Client, tokens: Tokens, orthanc: ScriptedOrthanc
) -> None:
    await tokens.keep("a", INCARNATION, AUTHORIZATION)
    assert await asked(AsAdministrator(client, tokens), INTRODUCED, node(orthanc)) == [200, 400, 200]
    assert orthanc.paths() == {"/jobs"}
    assert {each.headers["Authorization"] for each in orthanc.asked} == {AUTHORIZATION}


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_refused_is_no_refusal_of_the_caller(
    client: orthanc_client.Client, tokens: Tokens, orthanc: ScriptedOrthanc, status: int
) -> None:
    orthanc.tell("/jobs", status=status, headers=CHALLENGE)
    await tokens.keep("a", INCARNATION, AUTHORIZATION)
    asking = AsAdministrator(client, tokens)
    with pytest.raises(OwnerUnreachable, match="takes its token no more"):
        await asking.ask(INTRODUCED, "a", node(orthanc), "GET", "/jobs", within=1.0)
    with pytest.raises(OwnerUnreachable, match="takes its token no more"):
        async with asking.stream(INTRODUCED, "a", node(orthanc), "/jobs", within=1.0):
            pytest.fail("it was refused")


async def test_after_a_refusal_the_token_is_read_anew(
    client: orthanc_client.Client, tokens: Tokens, orthanc: ScriptedOrthanc
) -> None:
    await tokens.keep("a", INCARNATION, "Bearer old")
    asking = AsAdministrator(client, tokens)
    with pytest.raises(OwnerUnreachable):
        await asking.ask(INTRODUCED, "a", node(orthanc), "GET", "/jobs", within=1.0)
    await tokens.keep("a", INCARNATION, AUTHORIZATION)
    assert (await asking.ask(INTRODUCED, "a", node(orthanc), "GET", "/jobs", within=1.0)).status == 200


async def test_without_a_token_nothing_is_sent(
    client: orthanc_client.Client, tokens: Tokens, orthanc: ScriptedOrthanc
) -> None:
    await tokens.keep("a", INCARNATION, AUTHORIZATION)
    asking = AsAdministrator(client, tokens)
    with pytest.raises(OwnerUnreachable):
        await asked(asking, CALLER, node(orthanc, NEXT_INCARNATION))
    with pytest.raises(OwnerUnreachable):
        async with asking.stream(CALLER, "b", node(orthanc), "/jobs", within=1.0):
            pytest.fail("there is no token")
    assert orthanc.asked == []
