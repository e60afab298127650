"""The nodes' REST tokens, each an administrator's key: where there is no caller's login to ask with, or no plugin.

Law: a token is sealed before it goes to Redis, and opened nowhere but here.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from jobindex.auth.vault import Vault
from jobindex.errors import IndexAway, OwnerUnreachable
from jobindex.model.node import Node
from jobindex.model.report import Report
from jobindex.store.nodes import Nodes

REMEMBERED = 5.0
"""Seconds that a token which was opened is used again without a question to Redis."""
WITHIN = 0.4
"""Seconds that Redis may take to give one."""


class Tokens:
    """Keeps tokens for `lasts` seconds after the last sign of life; `fixed` ones are those of the settings."""

    def __init__(
        self,
        nodes: Nodes,
        vault: Vault,
        fixed: Mapping[str, str],
        lasts: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nodes = nodes
        self._vault = vault
        self._fixed = fixed
        self._lasts = lasts
        self._clock = clock
        self._open: dict[str, tuple[float, str, str]] = {}
        self._visited: dict[str, tuple[float, str, bytes]] = {}
        """Sealed tokens of the nodes that this replica has visited lately."""

    async def keep(self, node_id: str, incarnation: str, token: str) -> None:
        """Keep a token that a node has given."""
        sealed = self._vault.seal(node_id, incarnation, token)
        await self._nodes.keep_token(node_id, sealed, round(self._lasts * 1000))

    async def of(self, node_id: str, incarnation: str) -> str:
        """What opens this incarnation of the node; "" where nothing does."""
        if node_id in self._fixed:
            return self._fixed[node_id]
        sealed = await self._nodes.token(node_id)
        return (sealed and self._vault.open(node_id, incarnation, sealed)) or ""

    async def of_visited(self, node_id: str, incarnation: str) -> str:
        """The same for a node that is visited and tells its token seldom: one that Redis lost is known here."""
        token = await self.of(node_id, incarnation)
        until, known_of, sealed = self._visited.get(node_id, (0.0, "", b""))
        if not token and known_of == incarnation and until > self._clock():
            token = self._vault.open(node_id, incarnation, sealed) or ""
            await self.keep(node_id, incarnation, token)
        if token and node_id not in self._fixed:
            sealed = self._vault.seal(node_id, incarnation, token)
            self._visited[node_id] = (self._clock() + self._lasts, incarnation, sealed)
        return token

    async def renew(self, node_id: str, incarnation: str) -> bool:
        """A token is kept for as long as its node is heard, sealed anew each time; False where there is none."""
        token = await self.of(node_id, incarnation)
        if token and node_id not in self._fixed:
            await self.keep(node_id, incarnation, token)
        return bool(token)

    async def hear(self, node_id: str, report: Report, *, shares: bool) -> bool:
        """Take a token from a node's report; True where one that shares its token has to give it again."""
        told = report.register_as
        if told is not None:
            if token := told.token.get_secret_value():
                await self.keep(node_id, report.incarnation, token)
            return False
        return report.complete and shares and not await self.renew(node_id, report.incarnation)

    async def needed(self, node_id: str, node: Node) -> str:
        """What opens a node; OwnerUnreachable, in words for its operator, where nothing does."""
        until, incarnation, token = self._open.get(node_id, (0.0, "", ""))
        if until > self._clock() and incarnation == node.incarnation:
            return token
        token = await self._read(node_id, node)
        self._open[node_id] = (self._clock() + REMEMBERED, node.incarnation, token)
        return token

    def forget(self, node_id: str) -> None:
        """This node takes its token no more."""
        self._open.pop(node_id, None)

    async def _read(self, node_id: str, node: Node) -> str:
        try:
            async with asyncio.timeout(WITHIN):
                token = await self.of(node_id, node.incarnation)
        except (IndexAway, TimeoutError) as error:
            raise OwnerUnreachable(f"The token of {node_id} can't be read while Redis is away") from error
        if not token:
            raise OwnerUnreachable(_advice(node_id, node))
        return token


def _advice(node_id: str, node: Node) -> str:
    if node.kind == "named":
        return f"{node_id} can't be asked: JOBINDEX_NODES names no user for it"
    if node.shares:
        return f"The token of {node_id} is not here yet; the node was asked for it"
    return f'{node_id} gives no token to ask it with: its plugin needs "ShareToken": true (JOBINDEX_SHARE_TOKEN)'
