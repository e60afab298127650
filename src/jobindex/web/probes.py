"""The doors for Kubernetes and Prometheus."""

from collections import Counter

from aiohttp import web

from jobindex import metrics
from jobindex.audit.trail import Trail
from jobindex.auth.untrusted import UntrustedPeers
from jobindex.model.node import ALIVE, GONE, LATE, PROBLEMS, STOPPED, most_are_silent
from jobindex.service.condition import Condition
from jobindex.service.insecurity import Insecurity
from jobindex.service.refused_reports import RefusedReports
from jobindex.service.view import View
from jobindex.web.answers import object_answer
from jobindex.web.routes import Call


class ProbesDoor:
    """`/-/healthy`, `/-/ready`, `/metrics`."""

    def __init__(
        self,
        view: View,
        insecurity: Insecurity,
        condition: Condition,
        trail: Trail,
        untrusted: UntrustedPeers,
        refused: RefusedReports,
    ) -> None:
        self._view = view
        self._insecurity = insecurity
        self._condition = condition
        self._trail = trail
        self._untrusted = untrusted
        self._refused = refused
        self.serving = False
        """Whether the public listener is open, and not about to close."""

    async def healthy(self, call: Call) -> web.StreamResponse:
        """GET /-/healthy: the process runs; Redis has no part in it, since a restart would not mend Redis."""
        return object_answer({"Healthy": True})

    async def ready(self, call: Call) -> web.StreamResponse:
        """GET /-/ready: clients may be sent here; a stale view still answers."""
        told: dict[str, object] = {"Ready": self.serving, "Index": "connected", "Audit": self._trail.state}
        if not self._view.connected:
            told |= {"Index": "away", "Age": round(self._view.age)}
        elif self._view.full_index:
            told |= {"Index": "full", "Age": round(self._view.age), "IndexReason": self._view.full_index}
        if not self.serving:
            told["Reason"] = "Stopping" if self._view.full.is_set() else "The whole index was not seen yet"
        if self._insecurity.words:
            told["Insecure"] = self._insecurity.words
        if self._condition.warnings:
            told["Warnings"] = list(self._condition.warnings)
        if untrusted := self._untrusted.shown():
            told["UntrustedProxies"] = untrusted
        if refused := self._refused.shown():
            told["RefusedReports"] = refused
        return object_answer(told, status=200 if self.serving else 503)

    async def metrics(self, call: Call) -> web.StreamResponse:
        """GET /metrics"""
        metrics.jobs.set(len(self._view.jobs))
        metrics.version.set(self._view.head.version)
        metrics.connected.set(self._view.connected)
        metrics.index_full.set(bool(self._view.full_index))
        metrics.audit_failing.set(self._trail.state == "failing")
        metrics.full.set(self._view.full.is_set())
        states = Counter(node.state for node in self._view.nodes.values())
        for state in (ALIVE, LATE, GONE, STOPPED):
            metrics.nodes.labels(state).set(states[state])
        problems = Counter(node.problem for node in self._view.nodes.values())
        for problem in PROBLEMS:
            metrics.node_problems.labels(problem).set(problems[problem])
        counting = [node for node in self._view.nodes.values() if node.counts]
        metrics.mass_silence.set(most_are_silent(sum(not node.alive for node in counting), len(counting)))
        content_type, text = metrics.exposition()
        return web.Response(body=text, headers={"Content-Type": content_type})
