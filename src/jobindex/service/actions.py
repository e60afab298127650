"""Actions on jobs: sent to the owner once, and looked after until the list shows what came of them.

Orthanc answers an action on a running job before that has taken effect: at the end of its current step.
"""

import asyncio
import logging
from typing import NamedTuple

from jobindex.auth.caller import Caller
from jobindex.orthanc.wire import Answer, action_path
from jobindex.service.relay import Relay
from jobindex.service.view import View
from jobindex.store.jobs import Stored

log = logging.getLogger(__name__)

AIMS = {"pause": "Paused", "cancel": "Failure", "resume": "Running", "resubmit": "Running"}
"""The state that a job comes into, unless it ends before."""
LOOK_EVERY_S = 0.3
MAX_LOOKS = 4
"""By then the owner's next report has come, as it does each second while it has unfinished jobs."""
MAX_LOOKED_AFTER = 100
"""Jobs at once; the others are left to their reports."""


class _Look(NamedTuple):
    caller: Caller
    job_id: str
    aim: str


class Actions:
    """Acts, and looks again; the latter for as long as `follow` runs."""

    def __init__(self, view: View, relay: Relay) -> None:
        self._view = view
        self._relay = relay
        self._begun: asyncio.Queue[_Look] = asyncio.Queue()
        self._looked_after = 0

    async def act(self, caller: Caller, job: Stored, name: str) -> Answer:
        """The owner's answer; OwnerError as `Relay` says."""
        answer = await self._relay.act(caller, job, self._view.owner(job), "POST", action_path(job.id, name))
        if answer.status == 200 and self._looked_after < MAX_LOOKED_AFTER:
            self._looked_after += 1
            self._begun.put_nowait(_Look(caller, job.id, AIMS[name]))
        return answer

    async def follow(self) -> None:
        """Look after what was acted on, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._look_after(await self._begun.get()), name="second look")

    async def _look_after(self, look: _Look) -> None:
        try:
            for _ in range(MAX_LOOKS):
                await asyncio.sleep(LOOK_EVERY_S)
                if not await self._look(look):
                    return
        except Exception:
            log.exception("a job could not be looked after")
        finally:
            self._looked_after -= 1

    async def _look(self, look: _Look) -> bool:
        """Read the job as the one who acted, unless its state has followed; whether it had not."""
        job = self._view.jobs.get(look.job_id)
        if job is None or job.record.final or job.record.state == look.aim:
            return False
        node = self._view.owner(job)
        if node is not None:
            await self._relay.read_again(look.caller, job.record.node, node, job.id)
        return True
