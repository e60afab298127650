"""The doors to nodes: who is in the cluster, and the operator's words on one that will not come back."""

from aiohttp import web

from jobindex.errors import UnknownResource
from jobindex.model.moment import moment
from jobindex.model.node import NODE_ID
from jobindex.service.freshness import Freshness
from jobindex.service.roster import Roster
from jobindex.service.view import View
from jobindex.web.answers import object_answer
from jobindex.web.routes import Call


class NodesDoor:
    """`/job-index/nodes`."""

    def __init__(self, view: View, roster: Roster, freshness: Freshness) -> None:
        self._view = view
        self._roster = roster
        self._freshness = freshness

    async def list(self, call: Call) -> web.StreamResponse:
        """GET /job-index/nodes"""
        await self._freshness.catch_up()
        return object_answer([self._told(node_id) for node_id in sorted(self._view.nodes)])

    async def give_up(self, call: Call) -> web.StreamResponse:
        """POST /job-index/nodes/{node}/give-up"""
        await self._roster.give_up(_named(call))
        return object_answer({})

    async def delete(self, call: Call) -> web.StreamResponse:
        """DELETE /job-index/nodes/{node}"""
        await self._roster.delete(_named(call))
        return object_answer({})

    def _told(self, node_id: str) -> dict[str, object]:
        node = self._view.nodes[node_id]
        return {
            "ID": node_id,
            "Name": node.name,
            "State": node.state,
            "Since": moment(node.since / 1000),
            "LastSeen": None if node.alive else moment(node.seen / 1000),
            "Reason": node.reason or None,
            "Url": node.url,
            "Version": node.version,
            "Kind": node.kind,
            "Incarnation": node.incarnation,
            "Jobs": len(self._view.on_node(node_id)),
        }


def _named(call: Call) -> str:
    """UnknownResource where no node can have this id."""
    if not NODE_ID.fullmatch(call.parts["node"]):
        raise UnknownResource("")
    return call.parts["node"]
