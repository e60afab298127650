"""The doors for Kubernetes and Prometheus."""

from aiohttp import web

from jobindex import metrics
from jobindex.model.node import ALIVE, GONE, LATE, STOPPED
from jobindex.service.view import View
from jobindex.web.answers import object_answer
from jobindex.web.routes import Call


class ProbesDoor:
    """`/-/healthy`, `/-/ready`, `/metrics`."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def healthy(self, call: Call) -> web.StreamResponse:
        """GET /-/healthy: the process runs; Redis has no part in it, since a restart would not mend Redis."""
        return object_answer({"Healthy": True})

    async def ready(self, call: Call) -> web.StreamResponse:
        """GET /-/ready: clients may be sent here; a stale view still answers."""
        full = self._view.full.is_set()
        told = {"Ready": full, "Index": "connected" if self._view.connected else "away"}
        if not full:
            told["Reason"] = "The whole index was not seen yet"
        return object_answer(told, status=200 if full else 503)

    async def metrics(self, call: Call) -> web.StreamResponse:
        """GET /metrics"""
        metrics.jobs.set(len(self._view.jobs))
        metrics.version.set(self._view.head.version)
        metrics.connected.set(self._view.connected)
        metrics.full.set(self._view.full.is_set())
        for state in (ALIVE, LATE, GONE, STOPPED):
            metrics.nodes.labels(state).set(sum(node.state == state for node in self._view.nodes.values()))
        content_type, text = metrics.exposition()
        return web.Response(body=text, headers={"Content-Type": content_type})
