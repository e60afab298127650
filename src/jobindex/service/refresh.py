"""Asks the nodes before a list is answered: around a submission, and for those who need it exact.

(`Cache-Control: no-cache` on the request, or `JOBINDEX_ALWAYS_REFRESH` for all.)
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from jobindex.auth.caller import Caller
from jobindex.errors import JobIndexError, OwnerSilent
from jobindex.model.node import Node
from jobindex.orthanc.wire import job_path, listed_ids
from jobindex.service.asking import Asking
from jobindex.service.breaker import Breaker
from jobindex.service.coalesced import Coalesced
from jobindex.service.intake import Intake
from jobindex.service.rights import Rights
from jobindex.service.view import View
from jobindex.store.jobs import Stored

WITHIN = 0.75
"""Seconds that a list waits for the nodes at most, of the 1.5 that it may take."""
MOST_READ = 50
"""Jobs of one node that are read one by one, unknown ones first; what is more comes with its next report."""
MAX_UNKNOWN = 1000
"""Unknown jobs of one node of which it is remembered that they were read; where there are more, all come anew."""
MAX_TRIES = 10
TRY_AGAIN_S = 0.02
"""An Orthanc that can't format a job's progress at some moment (400) can a moment later."""
MOST_CALLERS = 1000

T = TypeVar("T")


class Refresh:
    """Reads, as the caller, what the view can't know yet: the unknown and the unfinished."""

    def __init__(self, view: View, asking: Asking, intake: Intake, rights: Rights, silent: Breaker) -> None:
        """`silent` is this one's own: who is too slow for a list may be quick enough for an action."""
        self._view = view
        self._asking = asking
        self._intake = intake
        self._rights = rights
        self._silent = silent
        self._rounds: OrderedDict[str, Coalesced[None]] = OrderedDict()
        self._turn = 0
        self._read_before: dict[str, dict[str, int]] = {}
        """By node: in which turn those that are unknown all the same were read last."""

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
        asked = (*self._view.alive_nodes(), *self._view.unreadable_nodes())
        self._read_before = _only(self._read_before, self._view.nodes)
        nodes = [pair for pair in asked if not self._silent.rests(pair[0])]
        await asyncio.gather(*(self._ask(caller, *pair) for pair in nodes))

    async def _ask(self, caller: Caller, node_id: str, node: Node) -> None:
        try:
            answer = await self._asking.ask(caller, node_id, node, "GET", "/jobs", within=WITHIN)
        except JobIndexError as error:
            if isinstance(error, OwnerSilent):
                self._silent.trip(node_id)
            return
        if answer.refuses:
            self._rights.note_refusal(caller, node_id, answer)
        unsettled = self._unsettled(node_id, listed_ids(answer))[:MOST_READ]
        await asyncio.gather(*(self._read(caller, node_id, node, job_id) for job_id in unsettled))

    def _unsettled(self, node_id: str, job_ids: Iterable[str]) -> list[str]:
        """The unknown, those not read yet first; then the unfinished, and those of a node that is no more."""
        unknown, unfinished, left = [], [], []
        for job_id in job_ids:
            job = self._view.jobs.get(job_id)
            if job is None and job_id not in self._view.purged:
                unknown.append(job_id)
            elif job is not None and job.record.node != node_id and not self._lives(job):
                left.append(job_id)
            elif job is not None and job.record.node == node_id and not job.record.final:
                unfinished.append(job_id)
        return self._in_turn(node_id, unknown) + unfinished + left

    def _in_turn(self, node_id: str, unknown: Sequence[str]) -> list[str]:
        """An id that stays unknown though it was read gives way to those that were not."""
        read = _only(self._read_before.pop(node_id, {}), unknown)
        in_turn = sorted(unknown, key=lambda job_id: read.get(job_id, 0))
        self._turn += 1
        read |= dict.fromkeys(in_turn[:MOST_READ], self._turn)
        if len(read) <= MAX_UNKNOWN:
            self._read_before[node_id] = read
        return in_turn

    def _lives(self, job: Stored) -> bool:
        owner = self._view.owner(job)
        return owner is not None and owner.may_answer

    async def _read(self, caller: Caller, node_id: str, node: Node, job_id: str) -> None:
        with suppress(JobIndexError):
            answer = await self._asking.ask(caller, node_id, node, "GET", job_path(job_id), within=WITHIN)
            for _ in range(MAX_TRIES):
                if answer.status != HTTPStatus.BAD_REQUEST:
                    break
                await asyncio.sleep(TRY_AGAIN_S)
                answer = await self._asking.ask(caller, node_id, node, "GET", job_path(job_id), within=WITHIN)
            if answer.status == HTTPStatus.OK:
                await self._intake.take_reading(self._intake.reading(node_id, node, answer.body))


def _only(known: dict[str, T], ids: Iterable[str]) -> dict[str, T]:
    """What is known of these."""
    return {each: known[each] for each in ids if each in known}
