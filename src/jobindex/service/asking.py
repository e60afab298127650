"""As whom a node is asked: decided here, and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NoReturn, Protocol

from jobindex.auth.caller import Caller
from jobindex.errors import OwnerUnreachable
from jobindex.model.node import Node
from jobindex.orthanc.client import Client
from jobindex.orthanc.credentials import Credentials, authorized
from jobindex.orthanc.output import Output
from jobindex.orthanc.wire import Answer, refuses
from jobindex.service.tokens import Tokens


class Asking(Protocol):
    """Asks a node on behalf of a caller; raises what `Client` raises."""

    async def ask(
        self, caller: Caller, node_id: str, node: Node, method: str, path: str, *, within: float
    ) -> Answer: ...

    def stream(
        self, caller: Caller, node_id: str, node: Node, path: str, *, within: float
    ) -> AbstractAsyncContextManager[Output]: ...


class AsCaller:
    """With the credentials that the caller brought, so that Orthanc's rights and its log stay true."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, caller: Caller, node_id: str, node: Node, method: str, path: str, *, within: float) -> Answer:
        return await self._client.ask(node.url, method, path, _own(caller), within=within)

    def stream(
        self, caller: Caller, node_id: str, node: Node, path: str, *, within: float
    ) -> AbstractAsyncContextManager[Output]:
        return self._client.stream(node.url, path, _own(caller), within=within)


class AsAdministrator:
    """With what opens the node to this service, where a proxy in front has decided that the caller may.

    Law: what the node says of its token is no word on the caller, who is never asked to log in for it.
    """

    def __init__(self, client: Client, tokens: Tokens) -> None:
        self._client = client
        self._tokens = tokens

    async def ask(self, caller: Caller, node_id: str, node: Node, method: str, path: str, *, within: float) -> Answer:
        """OwnerUnreachable too where the node has given no token, or takes it no more."""
        token = authorized(await self._tokens.needed(node_id, node))
        answer = await self._client.ask(node.url, method, path, token, within=within)
        if answer.refuses:
            self._give_up(node_id)
        return answer

    @asynccontextmanager
    async def stream(
        self, caller: Caller, node_id: str, node: Node, path: str, *, within: float
    ) -> AsyncIterator[Output]:
        """The same."""
        token = authorized(await self._tokens.needed(node_id, node))
        async with self._client.stream(node.url, path, token, within=within) as output:
            if refuses(output.status):
                self._give_up(node_id)
            yield output

    def _give_up(self, node_id: str) -> NoReturn:
        """An Orthanc that was started again takes the tokens of its last run no more."""
        self._tokens.forget(node_id)
        raise OwnerUnreachable(f"{node_id} takes its token no more; it gives a new one when it has registered again")


def _own(caller: Caller) -> Credentials:
    return Credentials(caller.headers, caller.arguments)
