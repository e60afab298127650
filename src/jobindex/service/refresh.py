"""Asks the nodes before a list is answered, for those who need it exact: `Cache-Control: no-cache`."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from itertools import islice

from jobindex.auth.caller import Caller
from jobindex.errors import JobIndexError
from jobindex.model.node import Node
from jobindex.orthanc.wire import job_path, listed_ids
from jobindex.service.asking import Asking
from jobindex.service.coalesced import Coalesced
from jobindex.service.intake import Intake
from jobindex.service.view import View

WITHIN = 0.25
"""Seconds that a list waits for the nodes at most."""
MOST_READ = 50
"""Jobs of one node that are read one by one; what is more comes with its next report."""
MOST_CALLERS = 1000


class Refresh:
    """Reads, as the caller, what the view can't know yet: the unknown and the unfinished."""

    def __init__(self, view: View, asking: Asking, intake: Intake) -> None:
        self._view = view
        self._asking = asking
        self._intake = intake
        self._rounds: OrderedDict[str, Coalesced[None]] = OrderedDict()

    async def refresh(self, caller: Caller) -> None:
        """Ask all nodes at once; callers with the same credentials share a round."""
        asking = self._rounds.setdefault(caller.fingerprint, Coalesced(partial(self._round, caller)))
        self._rounds.move_to_end(caller.fingerprint)
        while len(self._rounds) > MOST_CALLERS:
            self._rounds.popitem(last=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                await asking.ask()

    async def _round(self, caller: Caller) -> None:
        asked = [self._ask(caller, *pair) for pair in (*self._view.alive_nodes(), *self._view.unreadable_nodes())]
        await asyncio.gather(*asked)

    async def _ask(self, caller: Caller, node_id: str, node: Node) -> None:
        with suppress(JobIndexError):
            answer = await self._asking.ask(caller, node_id, node, "GET", "/jobs", within=WITHIN)
            unsettled = (job_id for job_id in listed_ids(answer) if not self._is_settled(node_id, job_id))
            reads = [self._read(caller, node_id, node, job_id) for job_id in islice(unsettled, MOST_READ)]
            await asyncio.gather(*reads)

    def _is_settled(self, node_id: str, job_id: str) -> bool:
        job = self._view.jobs.get(job_id)
        return job is not None and job.record.node == node_id and job.record.final

    async def _read(self, caller: Caller, node_id: str, node: Node, job_id: str) -> None:
        with suppress(JobIndexError):
            answer = await self._asking.ask(caller, node_id, node, "GET", job_path(job_id), within=WITHIN)
            if answer.status == 200:
                await self._intake.take_reading(self._intake.reading(node_id, node, answer.body))
