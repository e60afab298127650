"""Whether the Redis of the index is fit to hold it: asked when a replica starts, and each minute.

Law: no replica starts on a Redis that throws away what is in it.  One that begins to later is told of and not left,
since a list that may lose an entry is worth more than none.
"""

import logging

from jobindex import metrics
from jobindex.errors import IndexAway
from jobindex.model.index_server import IndexServer, faults
from jobindex.store.server import Server

log = logging.getLogger(__name__)

EVERY = 60.0


class IndexUnfit(Exception):
    """The Redis of the index is set up so that it loses what is in it; the text says how to mend that."""


class Condition:
    """`warnings` are what readiness and the log tell of, in plain words."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.warnings: tuple[str, ...] = ()

    async def at_start(self) -> None:
        """IndexUnfit where Redis evicts; where it is away we start all the same, and look when it is there."""
        try:
            server = await self._server.described()
        except IndexAway as error:
            log.warning("the index is away, the replica starts without: %s", error)
            return
        self._note(server)
        if server.evicts:
            raise IndexUnfit(str(faults(server)[0]))

    async def look_due(self) -> bool:
        """Look again: settings of Redis may be changed while it runs."""
        self._note(await self._server.described())
        return False

    def _note(self, server: IndexServer) -> None:
        """Each warning is logged when it begins."""
        told = tuple(str(finding) for finding in faults(server))
        for warning in told:
            if warning not in self.warnings:
                log.warning("%s", warning)
        self.warnings = told
        metrics.index_warnings.set(len(told))
